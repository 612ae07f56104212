"""`monitor`, from recordings or shards to alarms: planted shifts are found, sound ones are not."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

import ecg_keras as ecg
from ecg_keras import validation
from ecg_keras.config import Data
from ecg_keras.data import prepare
from ecg_keras.errors import DataError
from ecg_keras.prediction import LooseFiles, open_trained
from ecg_keras.simulate import simulate

TRUE = {"sampling_rate": 500, "unit": "mV"}


@pytest.fixture(scope="module")
def answer(service, tmp_path_factory):
    """Asks the network about an array, and gives the file of its answers."""
    folder = tmp_path_factory.mktemp("answers")
    trained = open_trained(service.run, verify="off")

    def ask(name, signals, **reading):
        path = folder / f"{name}.parquet"
        settings = LooseFiles(**{**TRUE, **reading})
        ecg.predict(trained, signals, out=path, reading=settings, aggregate="trained")
        return path

    return ask


@pytest.fixture(scope="module")
def sound(service, answer):
    return answer("sound", service.ours)


def features(found):
    return {line.partition(":")[0].split()[0] for line in found.periods[0].alarms}


def test_new_patients_of_the_same_hospital_raise_no_alarm(service, sound):
    found = ecg.monitor(service.run, sound)
    assert found.alarms == ()
    (everything,) = found.periods
    assert (everything.name, everything.records, everything.answered) == ("all", 80, 80)
    assert len(everything.inputs.distances) > 30 and len(everything.checks) > 4
    assert found.summary == f"{service.run}: 80 recordings, no alarm"
    assert not found.remarks


def test_another_hospital_another_unit_and_another_rate_are_found(service, answer):
    for name, signals, reading, expected in (
        ("other", service.theirs, {}, {"noise_mv"}),
        ("unit", service.ours / 1000, {}, {"peak_mv", "rms_mv"}),
        ("rate", service.ours, {"sampling_rate": 250}, {"heart_rate", "original_hz"}),
    ):
        found = ecg.monitor(service.run, answer(name, signals, **reading))
        assert expected <= features(found), name


def test_recordings_that_are_refused_are_found(service, tmp_path):
    out = tmp_path / "a.jsonl"
    reading = LooseFiles(500, "uV")  # which they are not
    ecg.predict(service.run, service.ours, out=out, reading=reading)
    found = ecg.monitor(service.run, out)
    assert "share not answered: 1.000" in " ".join(found.alarms)


def test_recordings_that_are_short_now_as_in_the_training_raise_no_alarm(
    service, sound, tmp_path, monkeypatch
):
    monkeypatch.setattr(validation, "why_missing", lambda: "not looked at here")
    shards, run = tmp_path / "shards", tmp_path / "run"
    shutil.copytree(service.shards, shards)
    shutil.copytree(service.run, run)
    content = json.loads((shards / "dataset.json").read_text())
    content["dropped"] = [
        {"record_id": f"short{number}", "reason": "short", "seconds": 2, "wanted": 4}
        for number in range(service.dataset.num_records // 2)
    ] + [{"record_id": f"bare{number}", "reason": "no label"} for number in range(1000)]
    for folder in (shards, run):
        (folder / "dataset.json").write_text(json.dumps(content))
    rows = pd.read_parquet(sound)
    short = rows[:40].assign(status="abstained", record_id=[f"x{number}" for number in range(40)])
    pd.concat([rows, short]).to_parquet(tmp_path / "a.parquet")
    assert ecg.monitor(run, tmp_path / "a.parquet").alarms == ()
    found = ecg.monitor(run, shards)
    assert found.alarms == ()
    everything = found.periods[0]
    assert everything.records - everything.answered == service.dataset.num_records // 2


def test_a_file_that_was_corrected_is_answered(service, sound, tmp_path, monkeypatch):
    monkeypatch.setattr(validation, "why_missing", lambda: "not looked at here")
    rows = pd.read_parquet(sound)
    rows.assign(status="abstained").to_parquet(tmp_path / "before.parquet")
    found = ecg.monitor(service.run, [tmp_path / "before.parquet", sound])
    assert (found.periods[0].records, found.periods[0].answered) == (80, 80)
    assert "of 80 more answers about the same recordings none counts" in found.remarks


def test_recordings_of_several_sites_with_the_same_ids_are_refused(service, sound, tmp_path):
    rows = pd.read_parquet(sound)
    # another computer rounds a figure otherwise, and its file is another format's
    rows.assign(peak_mv=rows.peak_mv * 1.001).to_json(
        tmp_path / "again.jsonl", orient="records", lines=True
    )
    found = ecg.monitor(service.run, [sound, tmp_path / "again.jsonl"])
    assert found.periods[0].records == 80
    assert found.remarks == ("of 80 more answers about the same recordings none counts",)
    others = {
        "patients": rows.assign(patient_id="p" + rows.record_id),
        "signals": rows.assign(
            **{name: rows[name].to_numpy()[::-1] for name in ("peak_mv", "rms_mv", "noise_mv")}
        ),
    }
    for name, other in others.items():
        other.to_parquet(tmp_path / f"{name}.parquet")
        with pytest.raises(DataError, match=r"80 record ids of answers, .* mean several record"):
            ecg.monitor(service.run, [sound, tmp_path / f"{name}.parquet"])
        assert ecg.monitor(service.run, tmp_path / f"{name}.parquet").periods[0].records == 80


def test_shards_of_several_sites_with_the_same_ids_are_refused(service, tmp_path):
    simulate(tmp_path / "raw", hospital="lakeside", records=24, seed=1)
    settings = Data(source="ptbxl", raw=tmp_path / "raw", sampling_rate=500, seconds=4)
    prepare(settings, tmp_path / "shards")
    with pytest.raises(DataError, match=r"24 record ids of answers, 1, 10, .* mean several"):
        ecg.monitor(service.run, [service.shards, tmp_path / "shards"])


def test_the_truth_and_times_are_joined_and_each_month_judged(service, sound, tmp_path):
    rows = pd.read_parquet(sound)
    rng = np.random.default_rng(0)
    labels = service.dataset.labels
    rows["time"] = ["2026-01-05"] * 40 + ["2026-02-05"] * 40
    rows.to_csv(tmp_path / "table.csv", index=False)
    february = np.arange(80) >= 40
    truth = pd.DataFrame({"record_id": rows.record_id, "time": rows.time})
    for label in labels:
        # in February everybody has everything
        chance = rows[f"probability_{label}"].to_numpy()
        truth[label] = np.where(february, 1, rng.random(80) < chance).astype(int)
    truth.to_csv(tmp_path / "known.csv", index=False)
    found = ecg.monitor(service.run, sound, labels=tmp_path / "known.csv")
    assert [one.name for one in found.periods] == ["all", "2026-01", "2026-02"]
    assert [one.known for one in found.periods] == [80, 40, 40]
    lines = " ".join(found.alarms)
    assert "2026-02: share present in truth of" in lines
    assert "2026-02: mean probability less share present of" in lines
    json.dumps(found.as_json(), allow_nan=False)
    assert found.table().splitlines()[0].split()[0] == "period"


def test_shards_are_asked_about_with_their_truth(service):
    found = ecg.monitor(service.run, service.shards, labels=service.shards)
    everything = found.periods[0]
    assert everything.records == everything.answered == everything.known
    assert found.alarms == ()


def test_csv_lines_of_json_and_parquet_say_the_same(service, sound, tmp_path):
    rows = pd.read_parquet(sound)
    dates = pd.date_range("2026-03-31", periods=80, freq="h").strftime("%Y-%m-%dT%H:%M:%S")
    rows["record_id"] = dates  # names that look like times are names
    sound = tmp_path / "sound.parquet"
    rows.to_parquet(sound)
    rows.to_json(tmp_path / "a.jsonl", orient="records", lines=True)
    texts = rows.copy()
    for name in rows.columns:
        if rows[name].map(lambda one: isinstance(one, np.ndarray)).any():
            texts[name] = rows[name].map(lambda one: "; ".join(map(str, one)))
    texts.to_csv(tmp_path / "a.csv", index=False)
    expected = ecg.monitor(service.run, sound).as_json()["periods"]
    for name in ("a.jsonl", "a.csv"):
        found = ecg.monitor(service.run, tmp_path / name).as_json()["periods"]
        assert json.loads(json.dumps(found), parse_float=lambda one: f"{float(one):.4f}") == (
            json.loads(json.dumps(expected), parse_float=lambda one: f"{float(one):.4f}")
        )
    twice = ecg.monitor(service.run, [sound, tmp_path / "a.csv", tmp_path / "a.jsonl"])
    assert twice.remarks == ("of 160 more answers about the same recordings none counts",)


def test_answers_of_several_windows_are_remarked_on(service, sound, tmp_path, monkeypatch):
    monkeypatch.setattr(validation, "why_missing", lambda: "not looked at here")
    rows = pd.read_parquet(sound)
    rows["windows"] = [3] * 30 + [1] * 50
    rows.to_json(tmp_path / "some.jsonl", orient="records", lines=True)
    again = rows.assign(record_id=rows.record_id + "x").drop(columns="windows")
    again.to_parquet(tmp_path / "unknown.parquet")
    for files, answers in (([], 80), (["unknown.parquet"], 160)):
        found = ecg.monitor(service.run, [tmp_path / name for name in ("some.jsonl", *files)])
        assert found.remarks[0].startswith(f"30 answers of {answers} are of several windows each")
    assert "several windows" not in " ".join(ecg.monitor(service.run, sound).remarks)


def test_answers_of_earlier_versions_say_no_network(service, sound, tmp_path):
    rows = pd.read_parquet(sound)
    assert rows.network_id.nunique() == 1
    for name, old in (("a", rows.drop(columns="network_id")), ("b", rows.assign(network_id=None))):
        old.to_parquet(tmp_path / f"{name}.parquet")
        assert ecg.monitor(service.run, tmp_path / f"{name}.parquet").alarms == ()


def test_what_can_not_be_compared_is_said(service, sound, tmp_path, monkeypatch):
    shutil.copytree(service.run, tmp_path / "moved" / "run")
    found = ecg.monitor(tmp_path / "moved" / "run", sound)
    assert "name them with --shards" in found.remarks[0] and found.periods[0].inputs is None
    found = ecg.monitor(tmp_path / "moved" / "run", sound, shards=service.shards)
    assert not found.remarks
    rows = pd.read_parquet(sound)
    rows[[one for one in rows if not one.endswith("_mv")]].drop(
        columns=["heart_rate", "original_hz", "original_seconds"]
    ).to_parquet(tmp_path / "old.parquet")
    assert "hold no figures" in ecg.monitor(service.run, tmp_path / "old.parquet").remarks[0]
    rows.drop(columns="peak_mv").to_parquet(tmp_path / "less.parquet")
    found = ecg.monitor(service.run, tmp_path / "less.parquet")
    assert found.alarms == ("all: peak_mv: known here, unknown in every record there",)
    monkeypatch.setattr(validation, "why_missing", lambda: "no wheel")
    assert "can't be imported (no wheel)" in ecg.monitor(service.run, sound).remarks[0]


def test_what_is_no_answer_is_refused(service, sound, tmp_path):
    rows = pd.read_parquet(sound)
    label = service.dataset.labels[0]
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    (tmp_path / "torn.jsonl").write_text('{"record_id": ')
    rows.rename(columns={f"probability_{label}": "probability_X"}).to_parquet(
        tmp_path / "other.parquet"
    )
    rows.assign(peak_mv="much").to_parquet(tmp_path / "text.parquet")
    rows.assign(network_id="0" * 16).to_parquet(tmp_path / "stranger.parquet")
    for name, message in (
        ("stranger.parquet", "column network_id names 0000000000000000, and that is not"),
        ("gone.csv", "no file of answers"),
        ("table.csv", "does not begin as answers do"),
        ("torn.jsonl", "can't be read"),
        ("other.parquet", "holds answers for"),
        ("text.parquet", "column 'peak_mv' must hold a number"),
        (".", "no folder of shards"),
    ):
        with pytest.raises(DataError, match=message):
            ecg.monitor(service.run, tmp_path / name)
    with pytest.raises(DataError, match="no finished run"):
        ecg.monitor(tmp_path, sound)
