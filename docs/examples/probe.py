"""What a network has learned, for scikit-learn: embeddings and a logistic regression on them."""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import ecg_keras as ecg

run, shards = ecg.train("small.yaml").run, "shards/small"


def read(split):
    answers = ecg.embed(run, shards, split=split)
    targets = {one.record_id: one.target[0] for one in ecg.data.read_shards(shards, split)}
    return np.array([one.values for one in answers]), [targets[one.record_id] for one in answers]


probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500))
probe.fit(*read("train"))
embeddings, present = read("valid")
area = roc_auc_score(present, probe.predict_proba(embeddings)[:, 1])
print(f"{ecg.data.describe(shards).labels[0]}: AUROC {area:.2f} of {embeddings.shape[1]} numbers")
