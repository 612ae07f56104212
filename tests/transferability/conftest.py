"""Upstreams with a planted order, in NumPy alone."""

from collections.abc import Callable

import numpy as np
import pytest

from ecg_keras.transferability import Features

UPSTREAMS = ("same domain", "other hospital", "other labels", "noise")


def make_features(embeddings, source_probabilities, targets, patient_ids=None) -> Features:
    targets = np.asarray(targets, dtype=np.uint8)
    records = np.array([f"r{row}" for row in range(len(targets))])
    return Features(
        embeddings=np.asarray(embeddings, dtype=np.float32),
        source_probabilities=source_probabilities,
        targets=targets,
        labels=tuple(f"L{column}" for column in range(targets.shape[1])),
        record_ids=records,
        patient_ids=records if patient_ids is None else np.asarray(patient_ids),
    )


@pytest.fixture(scope="session")
def planted() -> Callable[[int], dict[str, Features]]:
    """What four upstreams make of the same records, the best of them first.

    A record is eight latent findings, of which the first four are the target's labels. An upstream
    sees the findings it was trained for through its own noise, and its embedding mixes them.
    """

    def draw(seed: int) -> dict[str, Features]:
        rng = np.random.default_rng(seed)
        findings = rng.normal(size=(400, 8))
        targets = findings[:, :4] > 0.8
        made = {}
        for name in UPSTREAMS:
            noise = {"same domain": 0.4, "other hospital": 1.2}.get(name, 0.4)
            seen = findings[:, 4:] + 0.35 * findings[:, :4]
            if name in ("same domain", "other hospital"):
                seen = findings[:, :4]
            if name == "noise":
                seen = rng.normal(size=(400, 4))
            seen = seen + noise * rng.normal(size=seen.shape)
            mixed = np.hstack([seen, 0.3 * rng.normal(size=(400, 12))]) @ rng.normal(size=(16, 32))
            probabilities = 1 / (1 + np.exp(-3 * (seen - 0.8)))
            made[name] = make_features(
                np.maximum(mixed, 0), probabilities.astype(np.float32), targets
            )
        return made

    return draw
