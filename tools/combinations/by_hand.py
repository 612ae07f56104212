"""What `ValidationScores` should log, computed another way: pair by pair and record by record."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np


def area_by_pairs(targets: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> float:
    """AUROC: how often a positive scores above a negative, ties counting half."""
    won = total = 0.0
    positives, negatives = np.flatnonzero(targets == 1), np.flatnonzero(targets == 0)
    for one, other in itertools.product(positives, negatives):
        weight = float(weights[one]) * float(weights[other])
        total += weight
        won += weight * (
            1.0 if scores[one] > scores[other] else 0.5 * (scores[one] == scores[other])
        )
    return won / total if total else float("nan")


def precision_by_counting(targets: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> float:
    """Average precision: at each positive, the share of positives among those from it upwards."""
    total = (weights * (targets == 1)).sum()
    if not total or not (weights * (targets == 0)).sum():
        return float("nan")
    found = 0.0
    for one in np.flatnonzero((targets == 1) & (weights > 0)):
        chosen = scores >= scores[one]
        found += weights[one] * (weights * chosen * (targets == 1)).sum() / (weights * chosen).sum()
    return found / total


def by_hand(targets: Any, probabilities: Any, weights: Any = None) -> dict[str, float]:
    """What `ValidationScores` should log, from NumPy arrays in the order of the records."""
    truth, given = np.asarray(targets, float), np.asarray(probabilities, float)
    counts = np.ones(len(truth)) if weights is None else np.asarray(weights, float)
    areas, precisions, f1s, shares, loss, known_weight = [], [], [], [], 0.0, 0.0
    for k in range(truth.shape[1]):
        known = ~np.isnan(truth[:, k])
        y, p, w = truth[known, k], given[known, k], counts[known]
        areas.append(area_by_pairs(y, p, w))
        precisions.append(precision_by_counting(y, p, w))
        hits, misses = ((w * (p >= 0.5))[y == 1].sum(), (w * (p < 0.5))[y == 1].sum())
        alarms = (w * (p >= 0.5))[y == 0].sum()
        f1s.append(np.nan if np.isnan(areas[-1]) else 2 * hits / (2 * hits + misses + alarms))
        shares.append(w[y == 1].sum() / w.sum())
        p = np.clip(p, 1e-7, 1 - 1e-7)
        loss += (w * np.where(y == 1, -np.log(p), -np.log(1 - p))).sum()
        known_weight += w.sum()
    defined = ~np.isnan(f1s)
    return {
        "val_loss": loss / known_weight,
        "val_macro_auroc": float(np.nanmean(areas)),
        "val_macro_auprc": float(np.nanmean(precisions)),
        "val_macro_f1": float(np.nanmean(f1s)),
        "val_weighted_f1": float(
            np.average(np.array(f1s)[defined], weights=np.array(shares)[defined])
        ),
    }
