"""Intervals, and a comparison, of what two PyTorch networks said of the same patients."""

import numpy as np

from ecg_keras import evaluation

# stands for what a script in PyTorch saved: sigmoid(logits), with ids and targets
random, labels = np.random.default_rng(0), np.array(["NORM", "MI"])
patients = np.arange(300) // 2
targets = random.random((300, 2)) < [0.5, 0.2]
for name, noise in (("mine", 1.5), ("theirs", 2.5)):
    logits = 3 * targets - 1.5 + random.normal(0, noise, (300, 2))
    np.savez(
        f"{name}.npz",
        labels=labels,
        record_ids=np.arange(300).astype(str),
        patient_ids=patients.astype(str),
        targets=targets.astype(np.uint8),
        probabilities=(1 / (1 + np.exp(-logits))).astype(np.float32),
    )

mine, theirs = (evaluation.Predictions.load(f"{name}.npz") for name in ("mine", "theirs"))
print(evaluation.evaluate(mine, None, thresholds="test", bootstrap=200).table())
print(evaluation.compare(mine, theirs, bootstrap=200).table())
