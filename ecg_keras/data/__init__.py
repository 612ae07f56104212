"""Databases to shards, and shards to batches.

Names load when they are first used, so that importing the package imports no TensorFlow.
"""

import importlib
from typing import Any

# where each public name lives
_HOMES = {
    "Anomaly": "validation",
    "Comparison": "validation",
    "Converted": "conversion",
    "Dataset": "dataset",
    "Distance": "validation",
    "Duplicates": "dataset",
    "LeftOut": "outcomes",
    "Noted": "outcomes",
    "Numbers": "validation",
    "Profile": "validation",
    "Record": "records",
    "RecordInfo": "records",
    "SPLITS": "dataset",
    "Signal": "records",
    "SplitSummary": "dataset",
    "StoredRecord": "reading",
    "Texts": "validation",
    "Validation": "validation",
    "assign_splits": "splits",
    "check_tables": "preparation",
    "dataset_fingerprint": "shard_folders",
    "describe": "dataset",
    "describe_shared": "sharing",
    "digest_of": "fingerprints",
    "download_database": "download.fetching",
    "find_drift": "validation",
    "find_shards": "shard_folders",
    "first_records": "subsets",
    "has_same_times": "earlier",
    "is_made_of": "shard_folders",
    "load": "pipeline",
    "load_chosen": "pipeline",
    "load_with_ids": "pipeline",
    "nested_subset": "subsets",
    "prepare": "preparation",
    "raw_digest": "fingerprints",
    "read_dataset": "dataset",
    "read_identities": "reading",
    "read_shards": "reading",
    "run_here": "writing",
    "run_on_beam": "beam",
    "set_epoch": "pipeline",
    "signal_statistics": "reading",
    "training_subset": "reading",
    "validate": "validation",
    "whole_shards": "reading",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"ecg_keras.data.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'ecg_keras.data' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
