"""Training: from a recipe and shards to a run folder.

Names load when they are first used, so that reading a run folder imports no TensorFlow.
"""

import importlib
from typing import Any

_HOME = {
    "Guarded": "guarded",
    "Known": "known",
    "Mirrored": "mirrored",
    "LeakError": "guarded",
    "Run": "run",
    "begin_run": "run",
    "check_one_worker": "cluster",
    "check_same_run": "run",
    "find_changes": "run",
    "mark_of": "run",
    "run_fingerprint": "run",
    "train": "loop",
    "build_model": "loop",
    "check_upstream": "upstream",
    "check_weights": "upstream",
    "describe_known": "known",
    "guard": "leakage",
    "padded": "mirrored",
    "read_guarded": "guarded",
    "records_left_out": "guarded",
    "FollowEpochs": "callbacks",
    "RunLog": "callbacks",
    "ValidationScores": "validation_scores",
    "read_log": "callbacks",
    "seen_from": "places",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
