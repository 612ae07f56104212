"""A reference of signals: whom it flags, how often sound ECGs, and the file it is kept in."""

from dataclasses import replace

import numpy as np
import pytest

from ecg_keras.errors import DataError
from ecg_keras.evaluation import SignalReference, fit_reference

RATE = 100


def draw(rng, records, samples=300):
    """Three leads of a beat in noise, of which the third is the difference of the others."""
    time = np.arange(samples) / RATE
    beats = np.exp(-(((time % (0.7 + 0.2 * rng.random((records, 1)))) - 0.3) ** 2) / 0.0008)
    heights = rng.uniform(0.7, 1.3, (records, 1, 2)) * [1.0, 1.6]
    leads = beats[:, :, None] * heights + 0.02 * rng.normal(size=(records, samples, 2))
    return np.concatenate([leads, leads[:, :, 1:] - leads[:, :, :1]], axis=2)


@pytest.fixture(scope="module")
def reference():
    rng = np.random.default_rng(0)
    return fit_reference(draw(rng, 300), draw(rng, 200), np.arange(200), RATE)


def test_of_sound_ecgs_as_many_are_flagged_as_it_says():
    rng = np.random.default_rng(1)
    for patients, rate in ((200, 0.01), (30, 1 / 31)):
        flagged = []
        for _ in range(12):
            training, validation = draw(rng, 100), draw(rng, patients)
            found = fit_reference(training, validation, np.arange(patients), RATE)
            flagged.append((found.distance(draw(rng, 150)) > 1).mean())
        assert found.rate == pytest.approx(rate)
        assert np.mean(flagged) == pytest.approx(rate, abs=0.02)


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("flat", np.zeros_like),
        ("one lead flat", lambda x: x * [1, 0, 1]),
        ("microvolts", lambda x: 1000 * x),
        ("upside down", lambda x: -x),
        ("leads exchanged", lambda x: x[:, :, [2, 1, 0]] * [-1, 1, -1]),
        ("noise", lambda x: x + 0.3 * np.random.default_rng(3).normal(size=x.shape)),
        ("noise alone", lambda x: 0.3 * np.random.default_rng(4).normal(size=x.shape)),
        ("hum", lambda x: x + 0.2 * np.sin(2 * np.pi * 45 * np.arange(300) / RATE)[:, None]),
    ],
)
def test_what_changes_how_a_signal_was_recorded_is_found(reference, what, change):
    sound = draw(np.random.default_rng(2), 60)
    assert (reference.distance(sound) > 1).mean() < 0.1
    assert (reference.distance(change(sound)) > 1).mean() > 0.9, what


def test_the_limit_goes_by_patient():
    rng = np.random.default_rng(5)
    training, validation = draw(rng, 100), draw(rng, 99)
    once = fit_reference(training, validation, np.arange(99), RATE)
    of = np.concatenate([np.arange(99), np.full(150, 5)])
    again = fit_reference(training, validation[of], of, RATE)
    assert (again.limit, again.patients) == (pytest.approx(once.limit), 99)


def test_distances_are_those_from_the_nearest_whatever_the_batch(reference):
    rng = np.random.default_rng(6)
    asked = draw(rng, 700)
    together = reference.distance(asked)
    assert together == pytest.approx(
        np.concatenate([*map(reference.distance, np.array_split(asked, 9))]), abs=1e-4
    )
    alone = replace(reference, known=reference.known[:1])
    assert (together <= alone.distance(asked) + 1e-4).all()


def test_without_records_there_is_none():
    some = draw(np.random.default_rng(7), 5)
    assert fit_reference(some, some[:0], [], RATE) is None
    assert fit_reference(some[:0], some, np.arange(5), RATE) is None


def test_the_file_gives_the_same_distances_and_damage_is_named(reference, tmp_path):
    path = tmp_path / "r.npz"
    reference.save(path)
    again = SignalReference.load(path)
    asked = draw(np.random.default_rng(8), 10)
    assert np.array_equal(again.distance(asked), reference.distance(asked))
    assert (again.rate, again.patients, again.num_leads) == (0.01, 200, 3)
    arrays = dict(np.load(path))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"r\.npz: can't be read as references of signals"):
        SignalReference.load(path)
    for changed in (
        {"centre": np.zeros(4)},
        {"facts": arrays["facts"] * np.nan},
        {"scale": arrays["scale"] * 0},
    ):
        np.savez(path, **(arrays | changed))
        with pytest.raises(DataError, match=r"no reference of signals.*evaluate RUN"):
            SignalReference.load(path)
    del arrays["known"]
    np.savez(path, **arrays)
    with pytest.raises(DataError, match="no reference of signals"):
        SignalReference.load(path)
