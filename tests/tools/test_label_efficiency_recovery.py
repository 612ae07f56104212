"""The script that plants label efficiencies: what it plants, and how it counts."""

import math

import numpy as np

from ecg_keras.statistics import LabelEfficiency


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
