"""The three formats hold the same answers, and other programs read them."""

import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import ecg_keras as ecg
from ecg_keras import workflow
from ecg_keras.errors import DataError
from ecg_keras.evaluation import LabelSet, LabelSets, fit_reference, make_reference
from ecg_keras.prediction import LooseFiles, open_trained
from ecg_keras.prediction.output import write_answers
from ecg_keras.report import prediction_page
from ecg_keras.training import Run


@pytest.fixture(scope="module")
def written(lab, tmp_path_factory):
    """Answers, of which one is missing, and the files of them by their endings."""
    folder = tmp_path_factory.mktemp("written")
    files = [*lab.headers[:3], folder / "gone.edf"]
    paths = {ending: folder / f"a.{ending}" for ending in ("csv", "jsonl", "parquet")}
    answers = [ecg.predict(lab.run, files, out=path) for path in paths.values()]
    return answers[0], paths


def test_tables_have_a_row_for_each_recording(written):
    answers, paths = written
    for table in (pd.read_csv(paths["csv"]), pd.read_parquet(paths["parquet"])):
        assert table.record_id.tolist() == [one.record_id for one in answers.rows]
        assert table.status.tolist() == ["answered"] * 3 + ["unreadable"]
        for place, label in enumerate(answers.labels):
            found = table[f"probability_{label}"].to_numpy(np.float32)
            assert np.array_equal(found, answers.probabilities[:, place], equal_nan=True)
            decided = [answers.decide(one)[place] for one in answers.rows[:3]]
            assert table[f"decision_{label}"][:3].astype(bool).tolist() == decided
            assert pd.isna(table[f"decision_{label}"][3])


def test_sets_are_words_beside_the_decisions(written, tmp_path):
    answers, _ = written
    values = answers.probabilities[:3, :2]
    # the first label may be what each of three recordings says, the second has too few patients
    limits = LabelSet(float(np.median(values[:, 0])), float(np.median(values[:, 0])), 20, 20)
    rest = dict.fromkeys(answers.labels[1:], LabelSet(None, None, 3, 20))
    answers = replace(answers, sets=LabelSets(0.9, "class", {answers.labels[0]: limits, **rest}))
    first, second = (f"set_{label}" for label in answers.labels[:2])
    order = np.argsort(values[:, 0])
    for ending, read in (("csv", pd.read_csv), ("parquet", pd.read_parquet)):
        write_answers(tmp_path / f"a.{ending}", answers, answers.rows)
        table = read(tmp_path / f"a.{ending}")
        assert table[first][order].tolist() == ["absent", "either", "present"]
        assert pd.isna(table[first][3]) and table[second].isna().all()
    write_answers(tmp_path / "a.jsonl", answers, answers.rows)
    rows = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert rows[order[1]][first] == "either" and rows[0][second] is rows[3][first] is None
    undecided = [answers.undecided(answers.rows[row]) for row in (*order, 3)]
    assert undecided == [(), answers.labels[:1], (), ()]
    page = prediction_page(answers, tmp_path / "a.html").read_text(encoding="utf-8")
    assert "Undecided" in page and "A set holds the truth for 90 %" in page


def test_answers_name_their_network_wherever_it_is(lab, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(lab.run, run)
    (run / "status.json").write_text('{"state": "trained", "shards": "../shards"}')
    workflow.export_run(run, tmp_path / "1")
    wanted = open_trained(lab.run).network_id
    assert len(wanted) == 16 and open_trained(run / "model.keras").network_id == wanted
    for name in ("run", "1"):
        answers = ecg.predict(tmp_path / name, lab.headers[:1], out=tmp_path / f"{name}.parquet")
        assert answers.network_id == wanted
        assert pd.read_parquet(tmp_path / f"{name}.parquet").network_id.tolist() == [wanted]
        page = prediction_page(answers, tmp_path / "a.html").read_text(encoding="utf-8")
        assert wanted in page
    model = ecg.models.load_model(run)
    head = model.get_layer("head")
    head.set_weights([one + 1e-3 for one in head.get_weights()])
    ecg.models.save_model(model, run / "model.keras")
    assert open_trained(run).network_id != wanted
    ecg.embed(run, lab.headers[:1], tmp_path / "e.parquet")
    assert pd.read_parquet(tmp_path / "e.parquet").network_id[0] == open_trained(run).network_id


def test_a_recording_unlike_the_training_ecgs_is_flagged(lab, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(lab.run, run)
    make_reference(lab.shards).save(Run(run).reference)
    answers = ecg.predict(run, lab.headers[:4], out=tmp_path / "a.csv")
    plain = ecg.predict(lab.run, lab.headers[:4])
    assert np.array_equal(answers.probabilities, plain.probabilities)
    table = pd.read_csv(tmp_path / "a.csv")
    found = [one.distance for one in answers.rows]
    assert table.distance.to_numpy() == pytest.approx(found)
    assert "distance" not in write_and_read(plain, tmp_path / "plain.jsonl")[0]
    noise = np.random.default_rng(0).normal(size=(2000, 12)).astype(np.float32)
    unchecked = open_trained(run, verify="off")
    (odd,) = ecg.predict(unchecked, noise, reading=LooseFiles(500, "mV")).rows
    assert odd.distance > 1 > min(found)
    assert odd.flags[-1].startswith("unlike the training ECGs: its distance from them is ")
    page = prediction_page(answers, tmp_path / "a.html").read_text(encoding="utf-8")
    assert "of ECGs such as those of its validation split exceed" in page


@pytest.mark.parametrize(("rate", "leads"), [(250, 12), (500, 8)])
def test_a_reference_of_other_signals_is_refused(lab, tmp_path, rate, leads):
    run = tmp_path / "run"
    shutil.copytree(lab.run, run)
    signals = np.random.default_rng(0).normal(size=(8, 100, leads))
    fit_reference(signals[:4], signals[4:], np.arange(4), rate).save(Run(run).reference)
    message = f"{Run(run).reference}: is of other leads or another rate. Remove it."
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        open_trained(run)


def write_and_read(answers, path):
    write_answers(path, answers, answers.rows)
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_lines_of_json_are_strict(written):
    answers, paths = written
    rows = [json.loads(line) for line in paths["jsonl"].read_text().splitlines()]
    assert [row["record_id"] for row in rows] == [one.record_id for one in answers.rows]
    label = answers.labels[0]
    assert np.float32(rows[0][f"probability_{label}"]) == answers.probabilities[0, 0]
    assert rows[3][f"probability_{label}"] is None and rows[3]["flags"] == []
    assert "No such file" in rows[3]["reason"]


def test_answers_have_the_figures_that_shards_have(lab, tmp_path):
    """Of a recording's file and of its shard alike, in every format."""
    names = ("peak_mv", "heart_rate", "original_hz", "deflection_mv", "noise_mv", "baseline_mv")
    stored = {one.record_id: one for one in ecg.predict(lab.run, lab.shards).rows}
    answers = ecg.predict(lab.run, lab.headers, out=tmp_path / "a.parquet")
    compared = 0
    for one in answers.rows:
        shard = stored.get(str(int(one.record_id.rpartition("/")[2][:5])))
        if shard is not None and one.values is not None:
            assert set(names) - {"heart_rate"} <= shard.figures.keys()
            for name in set(names) & shard.figures.keys():
                assert one.figures[name] == pytest.approx(shard.figures[name], rel=2e-3), name
            compared += 1
    assert compared > 10
    table = pd.read_parquet(tmp_path / "a.parquet")
    assert np.stack(table.noise_mv.dropna().tolist()).shape[1] == 12
    assert table.peak_mv.tolist() == pytest.approx(
        [one.figures["peak_mv"][0] for one in answers.rows], rel=1e-6
    )
    noise = pd.read_csv(ecg_csv(lab, tmp_path)).noise_mv[0]
    assert [float(one) for one in noise.split("; ")] == pytest.approx(
        answers.rows[0].figures["noise_mv"]
    )


def ecg_csv(lab, folder):
    ecg.predict(lab.run, lab.headers[:1], out=folder / "a.csv")
    return folder / "a.csv"
