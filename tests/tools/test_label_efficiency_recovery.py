"""The script that plants label efficiencies: what it plants, and how it counts."""

import importlib.util
import math
import sys
from pathlib import Path

import numpy as np
import pytest

from ecg_keras.statistics import LabelEfficiency

SCRIPT = Path(__file__).resolve().parents[2] / "tools" / "label_efficiency_recovery.py"


@pytest.fixture(scope="module")
def script():
    before = set(sys.modules)
    sys.path.insert(0, str(SCRIPT.parent))
    spec = importlib.util.spec_from_file_location("label_efficiency_recovery_script", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    sys.path.remove(str(SCRIPT.parent))
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_a_tally_by_hand(script):
    inf = math.inf
    sizes = np.array([100.0, 200, 400])
    studies = [
        [LabelEfficiency(n, ends) for n, ends in zip(sizes, three, strict=True)]
        for three in (
            [(210, 150, 300), (410, 350, inf), (inf, inf, inf)],
            [(120, 101, 190), (inf, 401, inf), (inf, inf, inf)],
        )
    ]
    assert script.tally(studies, 2, sizes) == ("0.500 ± 0.500", "0.250", "0.250", "0.50", "inf")


def test_a_study_measures_every_factor_at_every_size(script, monkeypatch):
    monkeypatch.setattr(script, "BOOTSTRAP", 100)
    sizes = np.array([50.0, 200, 800])
    found = script.run_study(script.SCRATCH["power law"], sizes, 3, 60, 0)
    assert list(found) == list(script.FACTORS)
    for worth in found.values():
        assert [one.size for one in worth] == sizes.tolist()
        assert all(one.equal[1] <= one.equal[0] <= one.equal[2] for one in worth)
