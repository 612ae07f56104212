"""For each score that may decide its reference: of targets, probabilities and decisions."""

from sklearn import metrics

ORACLES = {
    "macro_auroc": lambda t, p, d: metrics.roc_auc_score(t, p, average="macro"),
    "macro_auprc": lambda t, p, d: metrics.average_precision_score(t, p, average="macro"),
    "macro_f1": lambda t, p, d: metrics.f1_score(t, d, average="macro"),
    "weighted_f1": lambda t, p, d: metrics.f1_score(t, d, average="weighted"),
}
