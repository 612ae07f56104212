"""The script that changes recordings in one way at a time: each change, and the distances."""

import numpy as np
import pytest

from ecg_keras.signals import LEADS
from ecg_keras.simulate import record_ecg, simulate


@pytest.fixture(scope="module")
def ecgs():
    return np.stack([record_ecg("lakeside", number).values[:2000] for number in range(3)])


def test_each_change_is_one_thing(script, ecgs):
    found = dict(script.change(ecgs.astype(np.float32), 500))
    assert len(found) == 24
    for name, values in found.items():
        assert values.shape == ecgs.shape and np.isfinite(values).all(), name
    assert np.array_equal(found["test ECGs as they are"], ecgs.astype(np.float32))
    arms = found["arms exchanged"]
    for lead, then in (("I", -ecgs[..., 0]), ("II", ecgs[..., 2]), ("aVR", ecgs[..., 4])):
        assert arms[..., LEADS.index(lead)] == pytest.approx(then)
    assert np.array_equal(found["arms exchanged"][..., 6:], ecgs[..., 6:].astype(np.float32))
    slower = found["rate said to be double"]
    assert slower[:, ::2][:, :900] == pytest.approx(ecgs[:, :900], abs=1e-5)
    assert (found["last quarter zero"][:, 1500:] == 0).all()


def test_distances_are_larger_of_what_was_not_known(script):
    rng = np.random.default_rng(0)
    known = np.concatenate([rng.normal(1, 0.1, (50, 3)), rng.normal(2, 0.1, (50, 3))])
    strange = np.array([[5.0, -5.0, 5.0]])
    for method in (script.mahalanobis(known), script.nearest(known)):
        assert method(strange)[0] > 3 * method(known).max()


def test_recordings_of_other_databases_are_windows_of_ten_seconds(script, tmp_path, capsys):
    simulate(tmp_path, hospital="lakeside", records=2)
    headers = sorted(tmp_path.rglob("*.hea"))[:2]
    broken = tmp_path / "broken.hea"
    broken.write_text("junk")
    windows = list(script._windows([*headers, broken]))
    assert [one.shape for one in windows] == [(1000, 12)] * 2
    assert "left out: broken.hea" in capsys.readouterr().err
