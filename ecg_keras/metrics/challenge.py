"""The score of the PhysioNet/CinC Challenges 2020 and 2021: some confusions harm less than others.

A label that is missed or wrongly given earns part of the credit if it would be treated alike. The
weights are the Challenge's own table, ``tables/challenge_weights.csv``.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Collection, Mapping, Sequence
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from ecg_keras.array_types import BoolArray, Float64Array
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.metrics.inputs import Weights, check_decisions, check_weights, ratio, squeeze

SINUS_RHYTHM = "426783006"
# For each year, the codes of the table that it does not score.
YEARS: Mapping[int, frozenset[str]] = {
    2020: frozenset({"6374002", "365413008", "733534002"}),
    2021: frozenset(),
}


def challenge_score(
    targets: npt.ArrayLike,
    decisions: npt.ArrayLike,
    codes: Sequence[Collection[str]],
    *,
    year: int = 2021,
    weights: npt.ArrayLike | None = None,
) -> Float64Array:
    """The normalised Challenge score of decisions: 1 for all right, 0 for "sinus rhythm" to all.

    Each pair of a true class i and a decided class j of a record adds w_ij / max(1, n), where n is
    the number of classes that are true or decided there. The sum s over all records is normalised
    as (s - s_inactive) / (s_correct - s_inactive), where the inactive answer is sinus rhythm alone
    (Perez Alday et al. 2020; Reyna et al. 2021; the Challenge's evaluation code). It can be
    negative. Labels of one class count as one, present or decided if any of them is.

    It is the official score where the labels cover every scored class. Otherwise it is the same
    formula on the classes that there are: compare it only between models of one label set.

    Args:
        targets: 0 or 1, ``(records, labels)``.
        decisions: 0 or 1, of the same shape.
        codes: for each label the SNOMED CT codes that it stands for; those that the Challenge does
            not score are ignored, and so are labels with no other.
        year: 2020 (24 classes) or 2021 (26).
        weights: how often each record counts: ``(records,)`` or ``(resamples, records)``.

    Returns:
        One number, or ``(resamples,)``, at most 1; NaN where every record's true answer earns as
        much as the inactive one. The code of 2021 says 0 there, that of 2020 NaN.

    Raises:
        ConfigError: another year.
        DataError: shapes that differ, values other than 0 and 1, another number of codes, or
            labels for which the score is not defined (see `challenge_gap`).

    Example:
        >>> codes = [("426783006",), ("164889003",), ("164890007",)]  # sinus rhythm, AF, AFL
        >>> float(challenge_score([[1, 0, 0], [0, 1, 0]], [[1, 0, 0], [0, 0, 1]], codes).round(3))
        0.143
    """
    scorer = ChallengeScorer(targets, decisions, codes, year=year)
    return squeeze(scorer.score(check_weights(weights, len(np.asarray(targets)))), weights)


class ChallengeScorer:
    """`challenge_score` for resample after resample: what each record earns is added up once.

    Args:
        targets, decisions, codes, year: as for `challenge_score`; so are the errors.
    """

    def __init__(
        self,
        targets: npt.ArrayLike,
        decisions: npt.ArrayLike,
        codes: Sequence[Collection[str]],
        *,
        year: int = 2021,
    ) -> None:
        truth, decided = check_decisions(targets, decisions)
        if len(codes) != truth.shape[1]:
            raise DataError(
                f"codes must be one collection for each of the {truth.shape[1]} labels. "
                f"Received: {len(codes)}."
            )
        gap = challenge_gap(codes, year=year)
        if gap is not None:
            raise DataError(f"the Challenge score of {year} is not defined: {gap}.")
        class_of, table = _read_weights()
        classes = [_classes(members, year) for members in codes]
        scored = sorted(set().union(*classes))
        columns = [[found == {one} for found in classes] for one in scored]
        truth, decided = (
            np.stack([values[:, column].any(axis=1) for column in columns], axis=1)
            for values in (truth, decided)
        )
        credit = table[np.ix_(scored, scored)]
        inactive = np.zeros_like(truth)
        inactive[:, scored.index(class_of[SINUS_RHYTHM])] = True
        floor = _earned(truth, inactive, credit)
        self._gained = _earned(truth, decided, credit) - floor
        self._possible = _earned(truth, truth, credit) - floor

    def score(self, weights: Weights) -> Float64Array:
        """One number of each resample, ``(resamples,)``.

        Args:
            weights: ``(records, resamples)``, of `ecg_keras.metrics.inputs.check_weights`.
        """
        gained, possible = weights.T @ self._gained, weights.T @ self._possible
        # Records with sinus rhythm alone, or nothing, add exactly 0: no rounding hides an empty
        # whole.
        return ratio(gained, possible)


def challenge_gap(codes: Sequence[Collection[str]], *, year: int = 2021) -> str | None:
    """Why labels have no Challenge score; ``None`` where they have one.

    Args:
        codes: for each label the SNOMED CT codes that it stands for.
        year: 2020 or 2021.

    Raises:
        ConfigError: another year.

    Example:
        >>> challenge_gap([("164889003",), ("270492004",)])
        'no label is sinus rhythm (426783006)'
        >>> challenge_gap([("426783006",), ("164889003",)]) is None
        True
    """
    if year not in YEARS:
        raise ConfigError(
            f"there is a Challenge score of the years {', '.join(map(str, YEARS))}. "
            f"Received: {year}."
        )
    classes = [_classes(members, year) for members in codes]
    for members, found in zip(codes, classes, strict=True):
        if len(found) > 1:
            return f"a label joins codes that are scored apart: {', '.join(sorted(members))}"
    rhythm = _read_weights()[0][SINUS_RHYTHM]
    if {rhythm} not in classes:
        return f"no label is sinus rhythm ({SINUS_RHYTHM})"
    if not set().union(*classes) - {rhythm}:
        return "no label but sinus rhythm is scored"
    return None


def _earned(truth: BoolArray, decided: BoolArray, credit: Float64Array) -> Float64Array:
    """What each record's decision earns, ``(records,)``."""
    both = (truth | decided).sum(axis=1)
    earned = ((truth.astype(np.float64) @ credit) * decided).sum(axis=1)
    return np.asarray(earned / np.maximum(both, 1))


def _classes(codes: Collection[str], year: int) -> set[int]:
    """The rows of the table that a label's codes stand for."""
    class_of = _read_weights()[0]
    return {class_of[code] for code in codes if code in class_of and code not in YEARS[year]}


@functools.cache
def _read_weights() -> tuple[Mapping[str, int], Float64Array]:
    """The row of each code, and the weights."""
    path = files("ecg_keras.metrics").joinpath("tables", "challenge_weights.csv")
    lines = path.read_text(encoding="utf-8").splitlines()
    header, *rows = csv.reader(line for line in lines if not line.startswith("#"))
    class_of = {code: row for row, codes in enumerate(header[1:]) for code in codes.split("|")}
    return class_of, np.array([[float(cell) for cell in row[1:]] for row in rows])
