"""For each summary score its reference: of targets, probabilities and decisions."""

import csv
from pathlib import Path

import numpy as np
from sklearn import metrics

from ecg_keras.metrics import challenge

TABLE = Path(challenge.__file__).parent / "tables"

# those that may decide
ORACLES = {
    "macro_auroc": lambda t, p, d: metrics.roc_auc_score(t, p, average="macro"),
    "macro_auprc": lambda t, p, d: metrics.average_precision_score(t, p, average="macro"),
    "macro_f1": lambda t, p, d: metrics.f1_score(t, d, average="macro"),
    "weighted_f1": lambda t, p, d: metrics.f1_score(t, d, average="weighted"),
}


def loop_sample_f_max(targets, scores, weights):
    """The definition of CAFA, record by record."""
    best = 0.0
    if not (weights * targets.any(axis=1)).sum():
        return np.nan
    for threshold in np.arange(101) / 100:
        precisions, recalls = [], []
        for truth, said, weight in zip(targets, scores, weights, strict=True):
            chosen = [label for label in range(len(said)) if said[label] >= threshold]
            owned = [label for label in range(len(truth)) if truth[label]]
            right = set(chosen) & set(owned)
            if chosen:
                precisions.append((len(right) / len(chosen), weight))
            if owned:
                recalls.append((len(right) / len(owned), weight))
        if not sum(weight for _, weight in precisions):
            continue
        precision, recall = (
            sum(value * weight for value, weight in part) / sum(weight for _, weight in part)
            for part in (precisions, recalls)
        )
        if precision + recall:
            best = max(best, 2 * precision * recall / (precision + recall))
    return best


def read_matrix(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    header, *rows = csv.reader(line for line in lines if not line.startswith("#"))
    names = [frozenset(name.split("|")) for name in header[1:]]
    assert names == [frozenset(row[0].split("|")) for row in rows]
    return names, np.array([[float(cell) for cell in row[1:]] for row in rows])


NAMES, MATRIX = read_matrix(TABLE / "challenge_weights.csv")
# of 2021 alone
LATER = {"6374002", "365413008"}
RHYTHM = next(row for row, name in enumerate(NAMES) if "426783006" in name)


def loop_score(targets, decisions, weights, matrix, rhythm):
    """What the Challenge's evaluation code describes, cell by cell."""

    def total(outputs):
        whole = 0.0
        for truth, output, weight in zip(targets, outputs, weights, strict=True):
            either = sum(1 for i in range(len(truth)) if truth[i] or output[i])
            for i in range(len(truth)):
                for j in range(len(truth)):
                    if truth[i] and output[j]:
                        whole += weight * matrix[i][j] / max(1, either)
        return whole

    inactive = np.zeros_like(targets)
    inactive[:, rhythm] = 1
    observed, correct, nothing = total(decisions), total(targets), total(inactive)
    return (observed - nothing) / (correct - nothing) if correct != nothing else np.nan


# of six labels: sinus rhythm and five classes that both years score
OTHERS = [row for row, name in enumerate(NAMES) if row != RHYTHM and not name & LATER]
SCORED = [RHYTHM, *OTHERS[:5]]
CODES = [tuple(NAMES[row]) for row in SCORED]


def challenge_of_six(targets, probabilities, decisions):
    weights = np.ones(len(targets))
    return loop_score(targets, decisions, weights, MATRIX[np.ix_(SCORED, SCORED)], 0)


def mean_of_labels(score):
    """A score of one label's targets and probabilities as the mean over all labels."""
    return lambda t, p, d: np.mean([score(*columns) for columns in zip(t.T, p.T, strict=True)])


@mean_of_labels
def macro_f_max(truth, said):
    precision, recall, _ = metrics.precision_recall_curve(truth, said)
    return (2 * precision * recall / np.maximum(precision + recall, 1e-12)).max()


@mean_of_labels
def macro_sensitivity(truth, said):
    alarms, hits, _ = metrics.roc_curve(truth, said, drop_intermediate=False)
    return hits[alarms <= 0.05 + 1e-9].max()


# those that never do
FURTHER_ORACLES = {
    "macro_f_max": macro_f_max,
    "sample_f_max": lambda t, p, d: loop_sample_f_max(t, p, np.ones(len(t))),
    "macro_sensitivity_at_95_specificity": macro_sensitivity,
    "macro_brier": mean_of_labels(metrics.brier_score_loss),
    "challenge_2020": challenge_of_six,
    "challenge_2021": challenge_of_six,
}
