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
    "Tried": "tuned",
    "Tuned": "tuned",
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
    "guard_alike": "leakage",
    "padded": "mirrored",
    "read_guarded": "guarded",
    "read_tuned": "tuned",
    "records_left_out": "guarded",
    "FollowEpochs": "callbacks",
    "RunLog": "callbacks",
    "ValidationScores": "validation_scores",
    "read_log": "epoch_log",
    "seen_from": "places",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
