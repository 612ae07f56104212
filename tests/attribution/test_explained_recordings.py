"""Recordings are explained as they are answered, and written whole or not at all."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from tiny import mean

from ecg_keras import models, prediction, simulate
from ecg_keras.attribution import (
    choose_label,
    explain,
    explain_recordings,
    explain_shown,
    explained_recordings,
    explainer,
    write_attributions,
)
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.prediction import LooseFiles, open_trained
from ecg_keras.signals import LEADS

READING = LooseFiles(sampling_rate=500, unit="mV")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    keras.utils.set_random_seed(1)
    model = models.classifier(mean(1000, 12, head="pooled", seed=0), ["MI", "NORM"])
    path = tmp_path_factory.mktemp("model") / "model.keras"
    models.save_model(model, path)
    return open_trained(path, labels=["MI", "NORM"], leads=LEADS, sampling_rate=100)


@pytest.fixture(scope="module")
def ecgs():
    """Three recordings of 20 s, of which the second is no ECG."""
    found = [simulate.record_ecg("lakeside", number, noise=False).values for number in range(3)]
    found = np.stack([np.concatenate([one, 0.5 * one]) for one in found])
    found[1] = 0
    return found


def test_each_answer_is_that_of_predict_and_its_strongest_window_is_explained(trained, ecgs):
    steps = []
    rows = list(
        explain_recordings(
            trained, ecgs, label="MI", reading=READING, steps=8,
            on_progress=lambda done, total: steps.append((done, total)),
        )
    )  # fmt: skip
    answers = prediction.predict(trained, ecgs, reading=READING)
    assert [one.answer.status for one in rows] == ["answered", "unreadable", "answered"]
    assert steps == [(1, 3), (2, 3), (3, 3)]
    got = np.stack([one.answer.values for one in rows if one.answer.values is not None])
    assert got == pytest.approx(answers.probabilities[[0, 2]], abs=1e-6)
    assert rows[1].explanation is None
    for one in rows[::2]:
        assert one.window in (1, 2)
        assert trained.forward(one.signal.values[None])[0, 0] >= one.answer.values[0] - 1e-6
        wanted = explain(trained, one.signal.values, label="MI", steps=8)
        assert one.explanation.values == pytest.approx(wanted.values[0], abs=1e-6)
        assert sum(one.explanation.lead_shares.values()) == pytest.approx(1)
        assert one.explanation.sentence.startswith("Marked: what speaks for and against MI, by")


def test_windows_that_can_not_be_used_are_counted(trained, ecgs):
    lost = np.concatenate([ecgs[0], ecgs[0, :5000]])[None]
    lost[0, :5000, 7] = 0
    for size in (1, 32):
        (one,) = explain_recordings(trained, lost, label="MI", reading=READING, batch_size=size)
        values = [float(trained.forward(one.signal.values[None])[0, 0])]
        assert (one.answer.windows, one.answer.lost) == (2, 1) and one.window in (2, 3)
        end = lost[0, 5000 * (one.window - 1) : 5000 * one.window]
        (alone,) = explain_recordings(trained, end, label="MI", reading=READING, steps=1)
        assert values == pytest.approx([float(alone.answer.values[0])], abs=1e-3)
    answers = prediction.predict(trained, lost, reading=READING, shown=1)
    (shown,) = explain_shown(trained, answers, steps=1).values()
    assert shown.window == 0


def test_they_are_written_when_all_are_there(trained, ecgs, tmp_path):
    out = tmp_path / "new/attributions.npz"
    rows = explain_recordings(trained, ecgs, reading=READING, method="grad_cam")
    kept = []
    for one in write_attributions(out, rows, trained, "grad_cam"):
        kept.append(one)
        assert not out.exists()
    with np.load(out) as file:
        assert file["record_ids"].tolist() == ["0", "2"] and file["method"] == "grad_cam"
        assert file["attributions"].shape == (2, 1000) and file["signals"].shape == (2, 1000, 12)
        assert (file["attributions"][1] == kept[2].explanation.values).all()
        assert file["labels"].tolist() == [kept[0].explanation.label, kept[2].explanation.label]
        assert file["leads"].tolist() == list(LEADS) and file["sampling_rate"] == 100
    assert [one.name for one in out.parent.iterdir()] == ["attributions.npz"]
    assert "all leads together, in steps of 0.02 s" in kept[0].explanation.sentence
    # what stops them leaves the file of before
    stopped = write_attributions(
        out, explain_recordings(trained, ecgs, reading=READING), trained, ""
    )
    next(stopped)
    stopped.close()
    assert np.load(out)["method"] == "grad_cam"


@pytest.fixture
def counted(trained, monkeypatch):
    """The network, and how many windows it was asked and recordings explained."""
    counts = {"asked": 0, "explained": 0}

    def forward(signal):
        counts["asked"] += len(signal)
        return trained.forward(signal)

    def make(*args, **settings):
        ask = explainer(*args, **settings)

        def count(signals, labels):
            counts["explained"] += len(signals)
            return ask(signals, labels)

        return count

    monkeypatch.setattr(explained_recordings, "explainer", make)
    monkeypatch.setattr(explained_recordings, "TOGETHER", 2)
    return replace(trained, forward=forward), counts


@pytest.mark.parametrize("method", ["integrated_gradients", "grad_cam"])
def test_a_stopped_command_explains_the_rest_alone(counted, ecgs, tmp_path, method):
    trained, counts = counted
    many = np.concatenate([ecgs, 0.9 * ecgs])  # the second and fifth are no ECGs
    options = {"reading": READING, "method": method, "steps": 4}
    out, part = tmp_path / "new/a.npz", tmp_path / "new/a.npz.part"

    def stop(done, total):
        if done == 4:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        list(explain_recordings(trained, many, out=out, on_progress=stop, **options))
    assert not out.exists() and len(part.read_text().splitlines()) == 1 + 3
    begun = part.read_bytes()
    for other in ({"label": "MI"}, {"steps": 5}, {"baseline": "zero"}, {"aggregate": "maximum"}):
        with pytest.raises(DataError, match=r"a\.npz\.part: holds answers of another network, oth"):
            list(explain_recordings(trained, many, out=out, **{**options, **other}))
    assert part.read_bytes() == begun
    counts.update(asked=0, explained=0)
    steps = []
    rows = list(
        explain_recordings(
            trained, many, out=out, on_progress=lambda *both: steps.append(both), **options
        )
    )
    # the fourth and sixth, of two windows each
    assert counts == {"asked": 4, "explained": 2}
    assert steps == [(4, 6), (5, 6), (6, 6)]
    assert [one.name for one in out.parent.iterdir()] == ["a.npz"]
    whole = list(explain_recordings(trained, many, out=tmp_path / "whole.npz", **options))
    assert [one.answer.record_id for one in rows] == [f"{number}" for number in range(6)]
    for one, expected in zip(rows, whole, strict=True):
        assert one.answer.status == expected.answer.status
        assert (one.explanation is None) == (expected.explanation is None)
        if one.explanation is not None:
            assert one.explanation.values == pytest.approx(expected.explanation.values, abs=1e-5)
            assert one.explanation.sentence == expected.explanation.sentence
    with np.load(out) as file, np.load(tmp_path / "whole.npz") as expected:
        assert set(file) == set(expected)
        for name in set(file) - {"attributions", "residuals", "probabilities"}:
            assert np.array_equal(file[name], expected[name])
        for name in ("attributions", "residuals", "probabilities"):
            assert file[name] == pytest.approx(expected[name], abs=1e-4, nan_ok=True)


def test_what_is_kept_is_what_was_explained(trained, ecgs, tmp_path):
    for method in ("integrated_gradients", "grad_cam"):
        options = {"reading": READING, "method": method, "steps": 2}
        direct = list(explain_recordings(trained, ecgs, **options))
        kept = list(explain_recordings(trained, ecgs, out=tmp_path / f"{method}.npz", **options))
        for one, expected in zip(kept, direct, strict=True):
            assert one.answer.reason == expected.answer.reason and one.window == expected.window
            if expected.explanation is not None:
                assert np.array_equal(one.signal.values, expected.signal.values)
                assert one.signal.leads == expected.signal.leads
                for name in ("values", "smoothed"):
                    found = getattr(one.explanation, name)
                    assert found == pytest.approx(getattr(expected.explanation, name), abs=1e-6)
                assert one.explanation.sentence == expected.explanation.sentence
                assert one.explanation.leads == expected.explanation.leads


def test_what_is_refused(trained, ecgs, tmp_path):
    with pytest.raises(ConfigError, match="no label named 'HYP'"):
        explain_recordings(trained, ecgs, label="HYP", reading=READING)
    with pytest.raises(ConfigError, match=r"written as an \.npz"):
        explain_recordings(trained, ecgs, out=tmp_path / "a.csv", reading=READING)
    with pytest.raises(ConfigError, match=r"written as an \.npz"):
        write_attributions(tmp_path / "a.csv", [], trained, "")
    (tmp_path / "a.npz").write_text("mine")
    with pytest.raises(DataError, match="holds no attributions"):
        write_attributions(tmp_path / "a.npz", [], trained, "")


def test_the_label_is_the_one_furthest_above_its_threshold():
    values = np.array([0.6, 0.3, 0.9], np.float32)
    labels = ("A", "B", "C")
    assert choose_label(values, labels, None) == "C"
    assert choose_label(values, labels, {"A": 0.5, "B": 0.05, "C": 0.9}) == "B"
