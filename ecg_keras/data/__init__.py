"""Databases to shards, and shards to batches.

Names load when they are first used, so that importing the package imports no TensorFlow.
"""

from typing import TYPE_CHECKING, Any

from ecg_keras.faces import lazy_face
from ecg_keras.moved import NAMES, load_former

if TYPE_CHECKING:
    from ecg_keras.data.beam import (
        describe_beam_failure as describe_beam_failure,
        parse_beam_options as parse_beam_options,
        run_on_beam as run_on_beam,
    )
    from ecg_keras.data.conversion import (
        FIGURES as FIGURES,
        LEAD_FIGURES as LEAD_FIGURES,
        MOST_STEPS as MOST_STEPS,
        STEP_MV as STEP_MV,
        Converted as Converted,
        Dropped as Dropped,
        convert as convert,
        convert_windows as convert_windows,
        fault_of_machine as fault_of_machine,
        quantise as quantise,
    )
    from ecg_keras.data.dataset import (
        SPLITS as SPLITS,
        Dataset as Dataset,
        Duplicates as Duplicates,
        SplitSummary as SplitSummary,
        check_split as check_split,
        describe as describe,
        read_dataset as read_dataset,
    )
    from ecg_keras.data.identities import (
        Identities as Identities,
        find_matches as find_matches,
        nobody as nobody,
    )
    from ecg_keras.data.label_counts import find_undecidable as find_undecidable
    from ecg_keras.data.lead_profile import (
        quality_rows as quality_rows,
        quality_table as quality_table,
    )
    from ecg_keras.data.lead_statistics import signal_statistics as signal_statistics
    from ecg_keras.data.leaks import (
        Leak as Leak,
        count_leaks as count_leaks,
        describe_shared as describe_shared,
        find_leaks as find_leaks,
        name_leaks as name_leaks,
        tell_rules as tell_rules,
    )
    from ecg_keras.data.listing import check_tables as check_tables
    from ecg_keras.data.memory import (
        check_memory as check_memory,
        fits_in_memory as fits_in_memory,
    )
    from ecg_keras.data.noted import (
        LEAD_SHARES as LEAD_SHARES,
        describe_value as describe_value,
        noting as noting,
    )
    from ecg_keras.data.outcomes import (
        LeftOut as LeftOut,
        Noted as Noted,
        describe_noted as describe_noted,
        name_noted as name_noted,
    )
    from ecg_keras.data.pipeline import (
        load as load,
        load_chosen as load_chosen,
        load_with_ids as load_with_ids,
        set_epoch as set_epoch,
    )
    from ecg_keras.data.preparation import prepare as prepare
    from ecg_keras.data.processes import (
        get_ready as get_ready,
        stream_in_processes as stream_in_processes,
    )
    from ecg_keras.data.raw_files import (
        digest_of as digest_of,
        listening as listening,
        raw_digest as raw_digest,
    )
    from ecg_keras.data.reading import (
        PARSED as PARSED,
        StoredRecord as StoredRecord,
        batches as batches,
        read_identities as read_identities,
        read_people as read_people,
        read_shards as read_shards,
        serialized as serialized,
        training_subset as training_subset,
        whole_shards as whole_shards,
    )
    from ecg_keras.data.settings import (
        check_augment as check_augment,
        stored_leads as stored_leads,
        stored_length as stored_length,
    )
    from ecg_keras.data.shard_folders import (
        dataset_fingerprint as dataset_fingerprint,
        find_shards as find_shards,
        has_same_times as has_same_times,
        is_made_of as is_made_of,
    )
    from ecg_keras.data.source_check import (
        Verified as Verified,
        read_sample as read_sample,
    )
    from ecg_keras.data.splits import (
        assign_splits as assign_splits,
        first_records as first_records,
        nested_subset as nested_subset,
    )
    from ecg_keras.data.tracing import as_written as as_written
    from ecg_keras.data.writing import (
        Run as Run,
        run_here as run_here,
        writing_to as writing_to,
    )
    from ecg_keras.download import download_database as download_database
    from ecg_keras.records import Record as Record, RecordInfo as RecordInfo, Signal as Signal
else:
    _load_name, __dir__, __all__ = lazy_face(__name__)

    def __getattr__(name: str) -> Any:
        former = f"{__name__}.{name}"
        return load_former(former) if former in NAMES else _load_name(name)
