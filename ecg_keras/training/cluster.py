"""`check_one_worker`: whether this process is one of several that train together."""

from __future__ import annotations

import json
import os

from ecg_keras.errors import ConfigError


def check_one_worker() -> None:
    """Raises a `ConfigError` where a launcher has begun one of several workers.

    Each would train alone, on all records and into the same run folder. Keras' ``fit`` does not
    work under `tf.distribute.MultiWorkerMirroredStrategy` (keras issue 20585).
    """
    text = os.environ.get("TF_CONFIG") or "{}"
    try:
        cluster = json.loads(text).get("cluster", {})
        workers = sum(len(cluster.get(kind, ())) for kind in ("chief", "worker"))
    except (ValueError, AttributeError, TypeError) as error:
        raise ConfigError(
            f"TF_CONFIG is no JSON object with a cluster: {error}. Unset it, or correct it."
        ) from error
    if workers > 1:
        raise ConfigError(
            f"TF_CONFIG names {workers} workers, and a run is trained by one process: on all GPUs "
            "of one machine with `training.devices: mirrored`. Unset TF_CONFIG and begin one; for "
            "several machines, divide the runs of a study with `ecg-keras study STUDY --shard 1/2`."
        )
