"""The Challenge score against the official definition in plain loops."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from metric_oracles import MATRIX, NAMES, RHYTHM, TABLE, loop_score, read_matrix

from ecg_keras.errors import ConfigError, DataError
from ecg_keras.metrics import challenge_gap, challenge_score

SEEDS = st.integers(0, 2**32 - 1)
ALL_CODES = [tuple(sorted(name)) for name in NAMES]


def draw(seed, records=12, labels=26):
    rng = np.random.default_rng(seed)
    return tuple((rng.random((records, labels)) < 0.12).astype(np.uint8) for _ in range(2))


@given(SEEDS, st.booleans())
@settings(deadline=None, max_examples=25)
def test_with_every_class_it_is_the_official_score_of_2021(seed, weigh):
    targets, decisions = draw(seed)
    weights = np.random.default_rng(seed).integers(0, 3, 12) if weigh else np.ones(12)
    np.testing.assert_allclose(
        challenge_score(targets, decisions, ALL_CODES, weights=weights),
        loop_score(targets, decisions, weights, MATRIX, RHYTHM),
        atol=1e-9,
    )


@given(SEEDS)
@settings(deadline=None, max_examples=25)
def test_the_score_of_2020_is_that_of_its_24_classes(seed):
    targets, decisions = draw(seed)
    kept = [row for row, name in enumerate(NAMES) if not name & {"6374002", "365413008"}]
    assert len(kept) == 24
    np.testing.assert_allclose(
        challenge_score(targets, decisions, ALL_CODES, year=2020),
        loop_score(
            targets[:, kept],
            decisions[:, kept],
            np.ones(12),
            MATRIX[np.ix_(kept, kept)],
            kept.index(RHYTHM),
        ),
        atol=1e-9,
    )


def test_codes_of_one_diagnosis_are_one_class_and_each_year_has_its_own():
    # Complete left bundle branch block has a code of its own, which 2020 did not score.
    apart = [("426783006",), ("164909002",), ("733534002",), ("55827005",)]
    joined = [("426783006",), ("733534002", "164909002")]
    targets = np.array([[1, 0, 0, 0], [0, 1, 0, 1], [0, 0, 1, 0], [0, 1, 1, 1], [1, 0, 0, 0]])
    decisions = np.array([[1, 0, 0, 1], [0, 0, 1, 0], [1, 1, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]])
    both = [
        np.column_stack((values[:, 0], values[:, 1:3].any(axis=1)))
        for values in (targets, decisions)
    ]
    assert challenge_score(targets, decisions, apart) == challenge_score(*both, joined)
    assert challenge_score(targets, decisions, apart, year=2020) == pytest.approx(
        float(challenge_score(targets[:, :2], decisions[:, :2], joined))
    )


def test_records_of_sinus_rhythm_alone_leave_it_undefined():
    targets = np.zeros((3, 26), int)
    targets[:2, RHYTHM] = 1
    decisions = draw(1, records=3)[1]
    assert np.isnan(challenge_score(targets, decisions, ALL_CODES))
    targets[2, 0] = 1
    weights = np.array([[1, 1, 0], [1, 1, 1], [0.1, 0.7, 0.2]])
    found = challenge_score(targets, decisions, ALL_CODES, weights=weights)
    assert np.isnan(found).tolist() == [True, False, False]


def test_a_label_set_without_the_score_is_told_why():
    assert challenge_gap(ALL_CODES) is None
    assert challenge_gap(ALL_CODES, year=2020) is None
    assert challenge_gap([("426783006",), ("6374002",)]) is None
    for codes, year, reason in (
        ([("164889003",), ("10370003",)], 2021, "no label is sinus rhythm (426783006)"),
        ([("426783006",), ("164931005",)], 2021, "no label but sinus rhythm is scored"),
        ([("426783006",), ("6374002",)], 2020, "no label but sinus rhythm is scored"),
        (
            [("426783006", "427393009"), ("164889003",)],
            2021,
            "a label joins codes that are scored apart: 426783006, 427393009",
        ),
    ):
        assert challenge_gap(codes, year=year) == reason
        with pytest.raises(DataError) as caught:
            challenge_score([[1, 0]], [[1, 0]], codes, year=year)
        assert str(caught.value) == f"the Challenge score of {year} is not defined: {reason}."


def test_what_is_wrong_is_said():
    with pytest.raises(ConfigError, match=r"of the years 2020, 2021. Received: 2017."):
        challenge_score([[1]], [[1]], [("426783006",)], year=2017)
    with pytest.raises(DataError, match=r"one collection for each of the 2 labels. Received: 1."):
        challenge_score([[1, 0]], [[1, 0]], [("426783006",)])
    with pytest.raises(DataError, match=r"decisions must be 0 or 1"):
        challenge_score([[1, 0]], [[0.5, 0]], [("426783006",), ("164889003",)])


def test_the_table_is_a_matrix_of_the_scored_classes_with_its_licence():
    assert MATRIX.shape == (26, 26)
    np.testing.assert_array_equal(MATRIX, MATRIX.T)
    np.testing.assert_array_equal(np.diag(MATRIX), 1)
    assert MATRIX.min() == 0.15
    assert sum(map(len, NAMES)) == 30
    licence = (TABLE / "challenge_weights.LICENSE").read_text(encoding="utf-8")
    assert licence.startswith(
        "BSD 2-Clause License\n\nCopyright (c) 2020, 2021 PhysioNet/Computing"
    )


@pytest.mark.real
def test_the_table_is_the_challenges_own(real_data):
    names, matrix = read_matrix(real_data / "challenge" / "weights.csv")
    assert names == NAMES
    np.testing.assert_array_equal(matrix, MATRIX)
