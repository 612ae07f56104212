"""Scores of all labels together on endless records, where labels are independent and few.

Each of the 2^labels x 2^labels pairs of present and predicted labels has a known chance.
"""

from __future__ import annotations

import itertools

import numpy as np
from scipy.special import logit, ndtr

from ecg_keras.metrics import ChallengeScorer
from ecg_keras.metrics.operating import STEPS

# sinus rhythm, atrial fibrillation, first-degree block, left axis deviation: of any labels
CODES = [("426783006",), ("164889003",), ("270492004",), ("39732003",)]


def expect_together(skill: np.ndarray, share: np.ndarray, limits: np.ndarray) -> dict[str, float]:
    """The sample-centric F-max and the Challenge score; none of more labels than `CODES`.

    Args:
        skill: how much higher a record scores with a label, ``(labels,)``; scores are normal with
            the variance 1, and probabilities calibrated.
        share: of the records, that have it.
        limits: of each label, for the Challenge score.
    """
    labels = len(skill)
    if labels > len(CODES):
        return {}
    ways = np.array(list(itertools.product((0, 1), repeat=labels)))
    has, predicted = np.repeat(ways, len(ways), axis=0), np.tile(ways, (len(ways), 1))
    steps = np.vstack(
        [np.repeat(STEPS[1:, None], labels, axis=1), limits]
    )  # at 0 all are predicted
    score = (logit(np.minimum(steps, 1 - 1e-12)) - logit(share)) / skill + skill / 2
    reached = ndtr(skill * has - score[:, None, :])
    chance = np.prod(
        np.where(has, share, 1 - share) * np.where(predicted, reached, 1 - reached), axis=-1
    )
    right, owned, named = (has & predicted).sum(1), has.sum(1), predicted.sum(1)
    precision = chance @ (right / np.maximum(named, 1)) / (chance @ (named > 0))
    recall = chance @ (right / np.maximum(owned, 1)) / (chance @ (owned > 0))
    best = 2 * precision * recall / (precision + recall)
    challenge = ChallengeScorer(has, predicted, CODES[:labels]).score(chance[-1:].T)
    return {"sample_f_max": float(best[:-1].max()), "challenge_2021": float(challenge[0])}
