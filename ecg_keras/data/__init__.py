"""Databases to shards, and shards to batches.

Names load when they are first used, so that importing the package imports no TensorFlow.
"""

import importlib
from typing import TYPE_CHECKING, Any

from ecg_keras.faces import lazy_face
from ecg_keras.moved import warn_of_move

if TYPE_CHECKING:
    from ecg_keras.data.beam import run_on_beam as run_on_beam
    from ecg_keras.data.conversion import Converted as Converted
    from ecg_keras.data.dataset import (
        SPLITS as SPLITS,
        Dataset as Dataset,
        Duplicates as Duplicates,
        SplitSummary as SplitSummary,
        describe as describe,
        read_dataset as read_dataset,
    )
    from ecg_keras.data.earlier import has_same_times as has_same_times
    from ecg_keras.data.fingerprints import digest_of as digest_of, raw_digest as raw_digest
    from ecg_keras.data.outcomes import LeftOut as LeftOut, Noted as Noted
    from ecg_keras.data.pipeline import (
        load as load,
        load_chosen as load_chosen,
        load_with_ids as load_with_ids,
        set_epoch as set_epoch,
    )
    from ecg_keras.data.preparation import check_tables as check_tables, prepare as prepare
    from ecg_keras.data.reading import (
        StoredRecord as StoredRecord,
        read_identities as read_identities,
        read_shards as read_shards,
        signal_statistics as signal_statistics,
        training_subset as training_subset,
        whole_shards as whole_shards,
    )
    from ecg_keras.data.shard_folders import (
        dataset_fingerprint as dataset_fingerprint,
        find_shards as find_shards,
        is_made_of as is_made_of,
    )
    from ecg_keras.data.sharing import describe_shared as describe_shared
    from ecg_keras.data.splits import assign_splits as assign_splits
    from ecg_keras.data.subsets import (
        first_records as first_records,
        nested_subset as nested_subset,
    )
    from ecg_keras.data.writing import run_here as run_here
    from ecg_keras.download import download_database as download_database
    from ecg_keras.records import Record as Record, RecordInfo as RecordInfo, Signal as Signal
else:
    _load_name, __dir__, __all__ = lazy_face(__name__)

    # names of `ecg_keras.validation` that were here
    _FORMER = (
        "Anomaly",
        "Comparison",
        "Distance",
        "Numbers",
        "Profile",
        "Texts",
        "Validation",
        "find_drift",
        "validate",
    )

    def __getattr__(name: str) -> Any:
        if name in _FORMER:
            warn_of_move(f"ecg_keras.data.{name}", f"ecg_keras.validation.{name}")
            return getattr(importlib.import_module("ecg_keras.validation"), name)
        return _load_name(name)
