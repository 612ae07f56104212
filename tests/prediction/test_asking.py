"""A network asked about files of every kind says what it says about shards."""

import re
import shutil
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from every_format import NAMED, WRITERS, read_microvolts
from scipy.io import savemat
from small_folder import write_wfdb

import ecg_keras as ecg
from ecg_keras import weights
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.export import export_saved_model
from ecg_keras.formats import ENDINGS
from ecg_keras.prediction import Answers, LooseFiles, open_trained
from ecg_keras.signals import LEADS

CSV = LooseFiles(sampling_rate=500, unit="uV")


def by_number(answers: Answers) -> dict[int, np.ndarray]:
    """Probabilities by the number in a recording's name."""
    return {int(Path(one.record_id).stem[:5]): one.values for one in answers.rows}


def test_files_are_answered_as_evaluate_answers_the_shards_made_of_them(lab, answered):
    files = ecg.predict(lab.run, lab.raw / "records500", aggregate="trained")
    assert {one.status for one in files.rows} == {"answered"}
    found = by_number(files)
    assert len(found) == lab.dataset.num_records
    for record_id, expected in zip(answered.record_ids, answered.probabilities, strict=True):
        assert np.abs(found[int(record_id)] - expected).max() < 1e-6


def test_shards_are_answered_as_evaluate_answers_them(lab, answered):
    stored = ecg.predict(lab.run, lab.shards, split="test")
    assert [one.record_id for one in stored.rows] == answered.record_ids.tolist()
    assert [one.patient_id for one in stored.rows] == answered.patient_ids.tolist()
    assert np.abs(stored.probabilities - answered.probabilities).max() < 1e-6
    (shard,) = lab.shards.glob("test-*.tfrecord")
    alone = ecg.predict(lab.run, [shard], batch_size=3)
    assert [one.record_id for one in alone.rows] == answered.record_ids.tolist()
    pattern = ecg.predict(lab.run, lab.shards / "test-*.tfrecord")
    assert np.array_equal(pattern.probabilities, alone.probabilities)
    (lab.shards / "statistics").mkdir(exist_ok=True)  # as validate leaves it
    inside = ecg.predict(lab.run, lab.shards / "*", split="test")
    assert np.array_equal(inside.probabilities, alone.probabilities)
    both = ecg.predict(lab.run, [shard, lab.shards])
    assert len(both.rows) == lab.dataset.num_records
    everything = ecg.predict(lab.run, lab.shards)
    assert len(everything.rows) == lab.dataset.num_records
    assert {one.split for one in everything.rows} == {"train", "valid", "test"}


def test_decisions_are_those_of_the_runs_scores(lab, answered):
    scores = ecg.evaluation.Scores.load_json(lab.run / "scores.json")
    answers = ecg.predict(lab.run, lab.shards, split="test")
    assert answers.thresholds == scores.thresholds
    assert (answers.calibration, answers.thresholds_from) == ("platt", "validation")
    limits = [scores.thresholds[label] for label in scores.thresholds]
    expected = ecg.metrics.decide(answered.probabilities, limits).astype(bool)
    assert [answers.decide(one) for one in answers.rows] == [tuple(row) for row in expected]
    assert 0 < expected.mean() < 1


def test_every_ending_has_a_writer(lab, tmp_path):
    values = read_microvolts(lab.headers[0])[:1000]
    for name, write in WRITERS.items():
        write(tmp_path / name, values)
    names = {path.name for path in tmp_path.iterdir()}
    assert [one for one in ENDINGS if not any(name.endswith(one) for name in names)] == []


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gets_the_same_answer(lab, tmp_path, name):
    header = lab.headers[0]
    WRITERS[name](tmp_path / name, read_microvolts(header))
    expected = ecg.predict(lab.run, header).probabilities
    others = (tmp_path, f"{tmp_path}/*") if name not in NAMED else (f"{tmp_path}/*{name[1:]}",)
    for named in (tmp_path / name, *others):
        (one,) = ecg.predict(lab.run, named, reading=CSV).rows
        assert one.status == "answered", one.reason
        assert one.record_id == str(tmp_path / name)
        assert np.abs(one.values - expected[0]).max() < 1e-3


def test_arrays_and_rows_of_their_files(lab, tmp_path):
    values = np.stack([read_microvolts(header)[:2000] for header in lab.headers[:3]])
    expected = ecg.predict(lab.run, lab.headers[:3], aggregate="trained").probabilities
    answers = ecg.predict(lab.run, values, reading=CSV)
    assert [one.record_id for one in answers.rows] == ["0", "1", "2"]
    assert np.abs(answers.probabilities - expected).max() < 1e-3
    single = ecg.predict(lab.run, values[1], reading=CSV).probabilities
    # sums of another batch are taken in another order
    assert np.abs(single - answers.probabilities[1:2]).max() < 1e-6
    with h5py.File(tmp_path / "many.hdf5", "w") as file:
        file["tracings"] = values.astype("f4")
    rows = ecg.predict(lab.run, tmp_path / "many.hdf5", reading=CSV)
    assert [one.record_id for one in rows.rows] == [f"{tmp_path}/many.hdf5#{i}" for i in range(3)]
    assert np.array_equal(rows.probabilities, answers.probabilities)
    np.save(tmp_path / "many.npy", values.astype("f4"))
    for named in (tmp_path / "many.npy", f"{tmp_path}/*.npy"):
        rows = ecg.predict(lab.run, named, reading=CSV)
        assert [one.record_id for one in rows.rows] == [
            f"{tmp_path}/many.npy#{i}" for i in range(3)
        ]
        assert np.array_equal(rows.probabilities, answers.probabilities)
    # in a folder it may as well hold features or labels
    assert len(ecg.predict(lab.run, tmp_path, reading=CSV).rows) == 3


def test_a_saved_model_and_a_lone_keras_file_answer_as_the_run(lab, tmp_path):
    run = open_trained(lab.run)
    expected = ecg.predict(run, lab.headers[:3])
    scores = ecg.evaluation.Scores.load_json(lab.run / "scores.json")
    export_saved_model(
        ecg.models.load_model(lab.run),
        tmp_path / "served" / "1",
        labels=run.labels,
        leads=run.leads,
        sampling_rate=500,
        thresholds=scores.thresholds,
        calibration=scores.calibration,
    )
    for place in (tmp_path / "served", tmp_path / "served/1"):
        answers = ecg.predict(place, lab.headers[:3])
        assert np.abs(answers.probabilities - expected.probabilities).max() < 1e-5
        assert answers.thresholds == expected.thresholds
    file = ecg.predict(lab.run / "model.keras", lab.headers[:3])
    assert np.array_equal(file.probabilities, expected.probabilities)
    (tmp_path / "model.keras").write_bytes((lab.run / "model.keras").read_bytes())
    said = {"labels": run.labels, "leads": LEADS, "sampling_rate": 500}
    own = open_trained(tmp_path / "model.keras", **said)
    lone = ecg.predict(own, lab.shards, split="test")
    assert lone.thresholds is None and lone.decide(lone.rows[0]) is None
    network = ecg.evaluation.predict(ecg.models.load_model(lab.run), lab.shards, "test")
    assert np.abs(lone.probabilities - network.probabilities).max() < 1e-6  # not calibrated


def test_embeddings_are_what_goes_into_the_head(lab, tmp_path):
    import pandas as pd

    model = ecg.models.load_model(lab.run)
    rows = ecg.embed(lab.run, lab.shards, split="valid")
    records = list(ecg.data.read_shards(lab.shards, "valid"))
    assert [one.record_id for one in rows] == [one.record_id for one in records]
    cut = keras.Model(model.input, model.get_layer("head").input)
    expected = cut(np.stack([one.signal for one in records])).numpy()
    assert np.abs(np.stack([one.values for one in rows]) - expected).max() < 1e-6
    assert {one.values for one in ecg.embed(lab.run, lab.shards, tmp_path / "e.parquet")} == {None}
    table = pd.read_parquet(tmp_path / "e.parquet")
    assert len(table) == lab.dataset.num_records
    stored = table[table.split == "valid"]
    assert np.array_equal(np.stack(stored.embedding), np.stack([one.values for one in rows]))


@pytest.mark.parametrize(("aggregate", "merge"), [("mean", np.mean), ("maximum", np.max)])
def test_longer_recordings_are_asked_about_in_windows(lab, tmp_path, aggregate, merge):
    values = np.concatenate([read_microvolts(header)[:2000] for header in lab.headers[:3]])
    write_wfdb(tmp_path / "long", values[:5000])
    answers = ecg.predict(lab.run, tmp_path / "long", aggregate=aggregate, batch_size=2)
    # two whole windows, and one that ends with the recording: what is left is half a window
    parts = np.stack([values[:2000], values[2000:4000], values[3000:5000]])
    expected = ecg.predict(lab.run, parts, reading=CSV).probabilities
    assert answers.rows[0].windows == 3
    assert np.abs(answers.rows[0].values - merge(expected, axis=0)).max() < 1e-3
    trained = ecg.predict(lab.run, tmp_path / "long", aggregate="trained")
    assert trained.rows[0].windows == 1
    assert np.abs(trained.rows[0].values - expected[0]).max() < 1e-3


def test_a_recording_of_an_hour_is_read_as_it_is_asked(lab, tmp_path):
    values = np.tile(read_microvolts(lab.headers[0])[:2000], (70, 1))
    values[100_000:101_000] = -32768  # missing: two windows of which nothing else is left
    write_wfdb(tmp_path / "long", values)
    (one,) = ecg.predict(lab.run, tmp_path / "long").rows
    (short,) = ecg.predict(lab.run, values[:2000], reading=CSV).rows
    assert (one.status, one.windows + one.lost) == ("answered", 70)
    assert one.lost == 1
    assert np.abs(one.values - short.values).max() < 1e-2


def test_a_long_recording_that_is_gone_before_its_end_is_unreadable(lab, tmp_path):
    values = np.tile(read_microvolts(lab.headers[0])[:2000], (70, 1))
    write_wfdb(tmp_path / "a", values[:2000])
    write_wfdb(tmp_path / "long", values)
    write_wfdb(tmp_path / "z", values[:2000])

    def remove(done, total):
        if done == 1:  # both are read, of the long one its beginning
            for path in tmp_path.glob("long.*"):
                path.unlink()

    answers = ecg.predict(lab.run, tmp_path, batch_size=1, on_progress=remove)
    assert [one.status for one in answers.rows] == ["answered", "unreadable", "answered"]
    assert answers.rows[1].values is None and "long" not in answers.rows[1].reason


@pytest.mark.parametrize(
    "header",
    [
        "bad/2 12 500 10000\n../a 5000\n~ 5000\n",
        "bad/1 12 500 5000\n/a/b 5000\n",
        "bad 1 500 5000\n./ 16 1000(0)/mV 16 0 0 0 0 I\n",
        "bad 1 500 5000\n\0 16 1000(0)/mV 16 0 0 0 0 I\n",
    ],
)
def test_a_header_that_names_no_files_is_one_unreadable_row(lab, tmp_path, header):
    write_wfdb(tmp_path / "a", read_microvolts(lab.headers[0])[:2000])
    (tmp_path / "bad.hea").write_text(header)
    answers = ecg.predict(lab.run, tmp_path)
    assert [one.status for one in answers.rows] == ["answered", "unreadable"]


def test_arrays_of_matlab_are_read_where_their_array_is_named(lab, tmp_path):
    values = np.stack([read_microvolts(header)[:2000] for header in lab.headers[:2]])
    savemat(tmp_path / "many.mat", {"x": values})
    write_wfdb(tmp_path / "a", values[0])
    named = LooseFiles(sampling_rate=500, unit="uV", array="x")
    expected = ecg.predict(lab.run, values, reading=CSV).probabilities
    for place in (tmp_path / "many.mat", f"{tmp_path}/*.mat"):
        rows = ecg.predict(lab.run, place, reading=named)
        assert [one.record_id for one in rows.rows] == [f"{tmp_path}/many.mat#{i}" for i in (0, 1)]
        assert np.abs(rows.probabilities - expected).max() < 1e-5
    assert len(ecg.predict(lab.run, tmp_path, reading=named).rows) == 1
    (row,) = ecg.predict(lab.run, tmp_path / "many.mat", reading=CSV).rows
    assert row.status == "unreadable" and "Name its array with --array" in row.reason


def test_an_array_is_read_in_this_process(lab, monkeypatch):
    monkeypatch.setattr(ecg.data, "get_ready", None)  # of further processes
    values = np.stack([read_microvolts(lab.headers[0])[:2000]] * 10)
    assert len(ecg.predict(lab.run, values, reading=CSV, workers=2).rows) == 10


def test_processes_give_the_same_answers_in_the_same_order(lab):
    alone = ecg.predict(lab.run, lab.raw / "records500")
    shared = ecg.predict(lab.run, lab.raw / "records500", workers=2, batch_size=5)
    assert [one.record_id for one in shared.rows] == [one.record_id for one in alone.rows]
    assert np.abs(shared.probabilities - alone.probabilities).max() < 1e-6


def test_files_by_two_names_and_answers_beside_them_are_no_further_recordings(lab, tmp_path):
    header = lab.headers[0]
    names = [header, header.with_suffix(".dat"), header.with_suffix("")]
    assert len(ecg.predict(lab.run, names).rows) == 1
    for name in names[:2]:
        (tmp_path / name.name).write_bytes(name.read_bytes())
    for _ in range(2):
        answers = ecg.predict(lab.run, tmp_path, out=tmp_path / "answers.csv")
        assert answers.summary == "1 recording: 1 answered, 0 abstained, 0 unreadable"


def test_tables_beside_recordings_are_left_out_with_a_remark(lab, tmp_path):
    header = lab.headers[0]
    for path in (header, header.with_suffix(".dat")):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    tables = [tmp_path / "ptbxl_database.csv", tmp_path / "sites.csv"]
    tables[0].write_text("ecg_id,patient_id,age\n1,2,56\n")
    tables[1].write_text("name,site\nx,north wing\n")
    remarks = []
    answers = ecg.predict(lab.run, tmp_path, on_warning=remarks.append)
    assert answers.summary == "1 recording: 1 answered, 0 abstained, 0 unreadable"
    named = f"{tables[0]}, {tables[1]}"
    assert remarks == [f"2 tables of texts or ids left out, which hold no samples: {named}"]
    ecg.predict(lab.run, [f"{tmp_path}/*.csv", header], on_warning=remarks.append)
    assert len(remarks) == 2
    with pytest.raises(DataError, match="a table of ecg_id, patient_id, age, and no recording"):
        ecg.predict(lab.run, [header, tables[0]])
    with pytest.raises(DataError, match="holds no recording, only tables"):
        ecg.predict(lab.run, f"{tmp_path}/*.csv")


def test_a_head_that_was_never_trained_is_warned_of(lab, tmp_path):
    shutil.copytree(lab.run, tmp_path / "run")
    card = weights.card_template("xresnet1d50")
    card = card.replace("mean: [], std: []", "mean: [0], std: [1]")
    for blank, value in (("labels", "[MI]"), ("licence", "MIT")):
        card = re.sub(rf"^{blank}:(?= *(#.*)?$)", f"{blank}: {value}", card, flags=re.M)
    (tmp_path / "run" / "card.yaml").write_text(card)
    remarks = []
    ecg.predict(tmp_path / "run", lab.headers[:1], on_warning=remarks.append)
    assert len(remarks) == 1 and "its probabilities are chance" in remarks[0]
    ecg.embed(tmp_path / "run", lab.headers[:1], on_warning=remarks.append)
    assert len(remarks) == 1


class Tensor:
    """As PyTorch's, of which NumPy takes none with a gradient, or on another device."""

    def __init__(self, values, steps=()):
        self.values, self.steps = values, steps

    def detach(self):
        return Tensor(self.values, (*self.steps, "detach"))

    def cpu(self):
        return Tensor(self.values, (*self.steps, "cpu"))

    def __array__(self, dtype=None, copy=None):
        if "detach" not in self.steps:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad.")
        if "cpu" not in self.steps:
            raise TypeError("can't convert cuda:0 device type tensor to numpy.")
        return self.values


def test_arrays_of_any_framework_and_lists_of_them(lab):
    values = np.stack([read_microvolts(header)[:2000] for header in lab.headers[:3]])
    expected = ecg.predict(lab.run, values, reading=CSV).probabilities
    for given in (tf.constant(values), list(values), tuple(map(tf.constant, values)), iter(values)):
        assert np.array_equal(ecg.predict(lab.run, given, reading=CSV).probabilities, expected)
    for given in (Tensor(values), [Tensor(one) for one in values]):
        assert np.array_equal(ecg.predict(lab.run, given, reading=CSV).probabilities, expected)
    named = np.array([str(header) for header in lab.headers[:3]])
    assert len(ecg.predict(lab.run, named).rows) == len(ecg.predict(lab.run, iter(named)).rows) == 3
    with pytest.raises(ConfigError, match="must have one shape"):
        ecg.predict(lab.run, [values[0], values[1][:-1]], reading=CSV)
    with pytest.raises(ConfigError, match=r"must be names of files, or an array\. Received: int"):
        ecg.predict(lab.run, 3)


@keras.saving.register_keras_serializable("tests")
class OwnCall(keras.Model):
    def build(self, shape):
        self.last = keras.layers.Dense(1, "sigmoid")
        self.last.build((None, 12))

    def call(self, signal):
        return self.last(keras.ops.mean(signal, axis=1))


def test_what_takes_or_gives_several_things_is_refused_in_a_line(lab, tmp_path):
    with pytest.raises(ConfigError, match=r"Received: Functional. Save a Keras model first, model"):
        ecg.predict(ecg.models.load_model(lab.run), lab.headers[:1])
    signal, age = keras.Input((2000, 12)), keras.Input((1,))
    pooled = keras.layers.GlobalAveragePooling1D()(signal)
    one = keras.layers.Dense(1, "sigmoid")(pooled)
    other = keras.layers.Dense(1, "sigmoid")(keras.layers.Concatenate()([pooled, age]))
    own = OwnCall()
    own(np.zeros((1, 2000, 12)))
    networks = {
        "own": (own, "is a model with a call of its own.*keras.Model"),
        "two": (
            keras.Model([signal, age], other),
            r"takes \(None, 2000, 12\), \(None, 1\) and gives 1",
        ),
        "gives": (
            keras.Model(signal, [one, 1 - one]),
            r"takes .*2000, 12\) and gives 2 outputs",
        ),
        "flat": (
            keras.Model(age, keras.layers.Dense(1)(age)),
            r"takes \(None, 1\) and gives 1 output",
        ),
    }
    said = {"labels": ["A"], "leads": LEADS, "sampling_rate": 500}
    for name, (network, message) in networks.items():
        network.save(tmp_path / f"{name}.keras")
        with pytest.raises(DataError, match=rf"{name}\.keras: {message}"):
            open_trained(tmp_path / f"{name}.keras", **said)
    keras.Model(signal, {"a": one}).save(tmp_path / "named.keras")
    named = ecg.predict(open_trained(tmp_path / "named.keras", **said), lab.headers[:1])
    assert named.rows[0].values.shape == (1,)
    with pytest.raises(ConfigError, match="has no layer 'head'"):
        open_trained(tmp_path / "named.keras", embedding=True, leads=LEADS, sampling_rate=500)


def test_logits_are_no_probabilities(lab, tmp_path):
    signal = keras.Input((2000, 12))
    pooled = keras.layers.GlobalMaxPooling1D()(signal)
    logits = keras.layers.Dense(2, bias_initializer="ones", name="head")(pooled)
    keras.Model(signal, 100 * logits).save(tmp_path / "lone.keras")
    said = {"leads": LEADS, "sampling_rate": 500}
    trained = open_trained(tmp_path / "lone.keras", labels=["A", "B"], **said)
    with pytest.raises(DataError, match=r"lone\.keras: gives .*0 and 1. If these are logits"):
        ecg.predict(trained, lab.headers[:2])
    embedding = open_trained(tmp_path / "lone.keras", embedding=True, **said)
    assert {one.status for one in ecg.embed(embedding, lab.headers[:2])} == {"answered"}


def test_signals_that_are_shown_are_those_that_were_asked_about(lab):
    answers = ecg.predict(lab.run, [lab.shards, *lab.headers[:2]], split="test", shown=1)
    (name,) = answers.shown
    stored = next(ecg.data.read_shards(lab.shards, "test", [name]))
    assert np.array_equal(answers.shown[name].values, stored.signal)


def test_what_does_not_fit_is_refused_in_a_line(lab, tmp_path, hospital_shards):
    with pytest.raises(DataError, match=r"no recording to ask about"):
        ecg.predict(lab.run, [])
    with pytest.raises(DataError, match=r"in/\*\.edf: no file has such a name"):
        ecg.predict(lab.run, "in/*.edf")
    with pytest.raises(DataError, match="holds no recording"):
        ecg.predict(lab.run, tmp_path)
    with pytest.raises(DataError, match=r"its sampling rate: 100 Hz, and .* takes 500 Hz"):
        ecg.predict(lab.run, hospital_shards)
    with pytest.raises(ConfigError, match="Allowed: maximum, mean, trained"):
        ecg.predict(lab.run, lab.headers[0], aggregate="median")
    with pytest.raises(ConfigError, match=r"batch_size must be at least 1\. Received: 0"):
        ecg.predict(lab.run, lab.headers[0], batch_size=0)
    with pytest.raises(ConfigError, match=r"says the format, \.csv, \.jsonl, \.parquet"):
        ecg.predict(lab.run, lab.headers[0], out=tmp_path / "a.xlsx")
    with pytest.raises(ConfigError, match="recording or folder is empty"):
        ecg.predict(lab.run, "")
    with pytest.raises(ConfigError, match=r"must hold real numbers\. Received: object"):
        ecg.predict(lab.run, np.array([[None] * 12] * 2000), reading=CSV)
    with pytest.raises(ConfigError, match=r"does not say its sampling rate. Give it as reading="):
        ecg.predict(lab.run, np.zeros((1, 2000, 12)))
    with pytest.raises(ConfigError, match=r"above 0 Hz, and finite. Received: inf"):
        LooseFiles(sampling_rate=float("inf"))
    with pytest.raises(ConfigError, match="must have the shape"):
        ecg.predict(lab.run, np.zeros(5), reading=CSV)
    with pytest.raises(ConfigError, match=r"its dataset\.json says its labels"):
        open_trained(lab.run, labels=["MI"])
    (tmp_path / "m.keras").write_bytes((lab.run / "model.keras").read_bytes())
    with pytest.raises(ConfigError, match=r"no dataset\.json beside it"):
        open_trained(tmp_path / "m.keras")
    said = {"leads": LEADS, "sampling_rate": 500}
    with pytest.raises(DataError, match=r"is to be asked about 1 labels: MI"):
        open_trained(tmp_path / "m.keras", labels=["MI"], **said)
    with pytest.raises(ConfigError, match="unit must be mV, uV or V"):
        LooseFiles(unit="nV")
