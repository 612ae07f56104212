"""Quantiles of lead quality from counts that any number of processes add up."""

import numpy as np
import pytest

from ecg_keras.data.lead_profile import count, quality_table, summarise
from ecg_keras.signals import LEAD_MEASURES, LeadQuality


def drawn(records, seed=0):
    """Figures of records with two leads, ``(records, measures, 2)``."""
    figures = np.random.default_rng(seed).lognormal(-4, 1, (records, len(LEAD_MEASURES), 2))
    figures[:, :2] = figures[:, :2].clip(0, 1)
    figures[::5, 0] = 0
    return figures


def counted(figures):
    return count([LeadQuality(*one) for one in figures], 2).tolist()


def test_quantiles_are_those_of_the_records_to_a_class():
    figures = drawn(2000)
    summary = summarise([counted(figures)], 2)
    for measure, name in enumerate(LEAD_MEASURES):
        for quantile, share in (("median", 0.5), ("p95", 0.95)):
            exact = np.quantile(figures[:, measure], share, axis=0)
            np.testing.assert_allclose(summary[name][quantile], exact, rtol=0.09)


@pytest.mark.parametrize("parts", [2, 7])
def test_any_parts_add_up_to_the_same(parts):
    figures = drawn(300)
    together = summarise([counted(figures)], 2)
    assert summarise([counted(one) for one in np.array_split(figures, parts)], 2) == together


def test_what_is_unknown_has_no_quantile_and_zero_is_zero():
    figures = np.zeros((3, len(LEAD_MEASURES), 2))
    figures[:, LEAD_MEASURES.index("mains_mv")] = np.nan
    summary = summarise([counted(figures)], 2)
    assert summary["mains_mv"] == {"median": [None, None], "p95": [None, None]}
    assert summary["noise_mv"] == {"median": [0, 0], "p95": [0, 0]}
    assert summarise([], 2)["flat"]["median"] == [None, None]


def test_shares_end_at_one_and_anything_huge_in_the_last_class():
    figures = np.ones((3, len(LEAD_MEASURES), 2))
    figures[:, 2:] = 1e9
    summary = summarise([counted(figures)], 2)
    assert summary["clipped"]["median"] == [1, 1]
    assert 90 < summary["noise_mv"]["median"][0] <= 100


def test_the_table_is_in_units_people_read():
    figures = np.full((9, len(LEAD_MEASURES), 2), 0.01)
    figures[:, LEAD_MEASURES.index("mains_mv")] = np.nan
    lines = quality_table(summarise([counted(figures)], 2), ("I", "V1")).splitlines()
    heading = "median (95 %) flat % clipped % noise µV baseline µV mains µV"
    assert " ".join(lines[0].split()) == heading
    assert lines[2].split() == ["V1", *["1.07", "(1.07)"] * 2, *["10.7", "(10.7)"] * 2, "-"]
    assert len({len(line) for line in lines}) == 1
