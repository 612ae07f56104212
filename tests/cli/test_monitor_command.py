"""`ecg-keras monitor`, as a user types it."""

import json

import numpy as np
import pandas as pd


def test_answers_as_they_were_raise_no_alarm_and_shifted_ones_do(ecg_keras, project, tmp_path):
    run = project / "runs" / "finetune"
    raw = project / "raw" / "down"
    answer = ecg_keras("predict", run, raw, "--out", "a.csv")
    assert answer.code == 0, answer.err
    answer = ecg_keras("monitor", run, "a.csv", "--page", "a.html", "--json", "a.json")
    assert answer.code == 0, answer.out
    assert answer.out.splitlines()[-1].endswith("80 recordings, no alarm")
    assert "No alarm" in (tmp_path / "a.html").read_text()
    assert json.loads((tmp_path / "a.json").read_text())["alarms"] == []

    rows = pd.read_csv("a.csv")
    rows["time"] = np.where(np.arange(80) < 40, "2026-01-31", "2026-02-01")
    later = np.arange(80) >= 40
    for name in rows:
        if name.startswith("probability_"):
            rows[name] = rows[name].where(~later, 0.95)
    rows["peak_mv"] = rows["peak_mv"].where(~later, 1000 * rows["peak_mv"])
    rows.to_csv("b.csv", index=False)
    answer = ecg_keras("monitor", run, "b.csv", "--page", "b.html")
    assert answer.code == 1
    assert "2026-02: peak_mv: median" in answer.out
    assert "2026-02: distribution of the probabilities of" in answer.out
    assert "2026-01: " not in answer.out
    page = (tmp_path / "b.html").read_text()
    assert "Period by period" in page and page.count("<svg") > 4
    assert "<script" not in page


def test_what_is_wrong_is_one_line_and_no_alarm(ecg_keras, project):
    for words, code, message in (
        (["gone", "a.csv"], 2, "gone: no finished run"),
        ([project / "runs/finetune", "gone.csv"], 2, "no file of answers"),
        ([project / "runs/finetune", "a.csv", "--by", "hour"], 2, "'hour' is not one of"),
        ([project / "runs/finetune"], 2, "Missing argument"),
    ):
        answer = ecg_keras("monitor", *words)
        assert answer.code == code, answer
        assert message in answer.err
