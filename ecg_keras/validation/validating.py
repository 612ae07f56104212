"""`validate` and `find_drift`: a dataset against its schema, and against other datasets."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ecg_keras.array_types import AnyArray
from ecg_keras.data import SPLITS, Dataset, Noted, describe, describe_value, name_noted
from ecg_keras.sources import USABLE, Range
from ecg_keras.validation.anomalies import Anomaly, DatasetComparison, Validation
from ecg_keras.validation.columns import (
    PROFILED,
    TEXTS,
    arrange_figures,
    feature_of,
    read_columns,
)
from ecg_keras.validation.plain import check_plainly
from ecg_keras.validation.profiles import read_profile
from ecg_keras.validation.schema import (
    SERVING,
    TRAINING,
    as_checks,
    compare_recorders,
    list_requirements,
    make_schema,
)
from ecg_keras.validation.statistics import (
    OnProgress,
    count_batches,
    count_splits,
    count_with_beam,
    ignore_progress,
    split_statistics,
)
from ecg_keras.validation.tfdv import (
    compare,
    find_anomalies,
    keep_message,
    load_tfdv,
    read_message,
    why_missing,
)

SCHEMA = "schema.pbtxt"
CHECKS = "checks.pbtxt"
# the share of a dataset's records that may be outside of one range; what chance does to small
# datasets is added
TOLERATED = 0.05


def validate(
    folder: str | Path,
    *,
    against: str | Path | None = None,
    serving: str | Path | None = None,
    beam: Sequence[str] | None = None,
    on_progress: OnProgress = ignore_progress,
) -> Validation:
    """Checks each split against the dataset's schema, and the training split against others'.

    The schema is made of ``dataset.json`` and what the database promises, and written to
    ``schema.pbtxt`` on the first call, requirements on medians to ``checks.pbtxt``; files that are
    there are used as they are, so they can be edited. Statistics are kept in ``statistics/``.

    Where TensorFlow Data Validation can't be imported, the same schema and requirements are checked
    without it: no statistics are kept, ``checks.pbtxt`` is neither read nor written, and
    ``remarks`` of the result says so.

    Args:
        folder: of the shards.
        against: another folder of shards, such as the upstream's; where its training split is
            distributed otherwise (drift), that is an anomaly, too.
        serving: shards of what the served model received, all splits together; where they are
            distributed otherwise (skew), or break the schema, that is an anomaly, too.
        beam: options of an Apache Beam pipeline that counts the records; none counts them here,
            one after the other.
        on_progress: called with the records of a split that were counted here, and their total.

    Raises:
        DataError: a folder is no finished dataset, the disk is full, the pipeline failed, or
            ``against``, ``serving`` or ``beam`` ask for TensorFlow Data Validation, which can't be
            imported. A folder that may not be written to is a remark, but an error with ``beam``,
            whose workers write there.

    Source:
        Breck et al., Data validation for machine learning (SysML 2019).

    Example:
        >>> validate("shards/ptbxl").anomalies
        ()
    """
    folder, dataset = Path(folder), describe(folder)
    plain = against is None and serving is None and beam is None
    missing = why_missing()
    if missing and plain:
        return validate_plainly(folder, dataset, missing, on_progress)
    load_tfdv()
    unkept: list[str] = []
    schema = _read(folder / SCHEMA, make_schema(dataset), unkept)
    checks = _read(folder / CHECKS, as_checks(list_requirements(dataset)), unkept)
    if beam is not None:
        count_with_beam(folder, dataset, beam)
    counted = split_statistics(folder, dataset, SPLITS, unkept=unkept, on_progress=on_progress)
    profiles = {split: read_profile(one) for split, one in counted.items()}
    found = [
        one
        for split, statistics in counted.items()
        for one in find_anomalies(split, statistics, schema, checks, TRAINING)
    ]
    anomalies, outside = _judge(found, folder, dataset, schema)
    comparisons = []
    if against is not None:
        theirs = _training(Path(against))
        comparisons.append(compare(counted["train"], theirs, schema, "drift", str(against)))
    if serving is not None:
        received = describe(serving)
        filled = [split for split in SPLITS if received.splits[split].records]
        theirs = count_splits(Path(serving), received, filled, on_progress)
        profiles["serving"] = read_profile(theirs)
        of_signals = _signals_only(theirs, schema)
        found = find_anomalies("serving", of_signals, schema, checks, SERVING)
        anomalies += _judge(found, Path(serving), received, schema)[0]
        comparisons.append(compare(counted["train"], theirs, schema, "skew", str(serving)))
    for one in comparisons:
        anomalies += one.anomalies()
    noted, remarks = _join(dataset, outside), _say_unkept(folder, unkept)
    return Validation(
        str(folder), dataset, profiles, tuple(anomalies), tuple(comparisons), noted, remarks
    )


def _say_unkept(folder: Path, unkept: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        [f"{folder} may not be written to: not kept, and made again next time: {', '.join(unkept)}"]
        * bool(unkept)
    )


def validate_plainly(
    folder: Path, dataset: Dataset, missing: str, on_progress: OnProgress
) -> Validation:
    """The same without TensorFlow Data Validation, for the reason ``missing``."""
    unkept: list[str] = []
    schema = _read(folder / SCHEMA, make_schema(dataset), unkept)
    requirements = list_requirements(dataset)
    filled = [split for split in SPLITS if dataset.splits[split].records]
    found: list[tuple[Anomaly, bool]] = []
    for number, split in enumerate(filled):
        on_progress(number, len(filled))
        found += check_plainly(folder, dataset, split, schema, requirements)
    on_progress(len(filled), len(filled))
    anomalies, outside = _judge(found, folder, dataset, schema)
    remark = (
        f"checked without TensorFlow Data Validation, which can't be imported ({missing}): ranges, "
        "presence, labels and medians as its schema says; no statistics are kept, and drift and "
        "skew can't be measured"
    )
    noted, remarks = _join(dataset, outside), (remark, *_say_unkept(folder, unkept))
    return Validation(str(folder), dataset, {}, tuple(anomalies), (), noted, remarks)


def find_drift(folder: str | Path, other: str | Path) -> tuple[Anomaly, ...]:
    """How the training split of one dataset differs from another's, by the first one's schema.

    Nothing is written.

    Args:
        folder: of the shards.
        other: of the shards that they are compared with.

    Raises:
        DataError: as `validate`.

    Example:
        >>> for one in find_drift("shards/ptb", "shards/ptbxl"):
        ...     print(one.line())
    """
    folder, dataset = Path(folder), describe(folder)
    load_tfdv()
    schema = _read(folder / SCHEMA, make_schema(dataset))
    theirs = _training(Path(other))
    return compare(_training(folder), theirs, schema, "drift", str(other)).anomalies()


def find_skew(
    folder: str | Path, received: Mapping[str, Mapping[str, AnyArray]]
) -> dict[str, DatasetComparison]:
    """How recordings that a served model received differ from the training split.

    Their figures are compared where the schema of the shards names a threshold, and their sampling
    rates and lengths. Nothing is written.

    Args:
        folder: of the shards.
        received: sets of recordings by their names, each with its figures by those of features:
            ``(records,)``, or ``(records, num_leads)`` for one that each lead has; NaN where one
            is not known.

    Returns:
        The comparison of each set.

    Raises:
        DataError: as `validate`.

    Example:
        >>> find_skew("shards/ptbxl", {"May": {"heart_rate": rates}})["May"].anomalies()
    """
    folder, dataset = Path(folder), describe(folder)
    load_tfdv()
    schema = _read(folder / SCHEMA, make_schema(dataset))
    compare_recorders(schema)
    ours = _training(folder)
    found = {}
    for name, figures in received.items():
        theirs = count_batches([arrange_figures(figures, dataset.leads)])
        found[name] = compare(ours, theirs, schema, "skew", name)
    return found


def _join(dataset: Dataset, outside: Sequence[Noted]) -> tuple[Noted, ...]:
    """What `prepare` noted and what was found here, each once."""
    noted = {(one.record_id, one.measure, one.lead): one for one in (*dataset.noted, *outside)}
    return tuple(noted.values())


def _training(folder: Path) -> Any:
    return split_statistics(folder, describe(folder), ["train"])["train"]


def _read(path: Path, made: Any, unkept: list[str] | None = None) -> Any:
    """The message in a file, or the one that was made, which is kept as in `split_statistics`."""
    if path.is_file():
        made.Clear()
        return read_message(path, made)
    if unkept is not None:
        keep_message(path, made, unkept)
    return made


def _signals_only(statistics: Any, schema: Any) -> Any:
    """The features that the schema has in serving, too."""
    known = {one.name for one in schema.feature if SERVING not in one.not_in_environment}
    kept = type(statistics)()
    kept.CopyFrom(statistics)
    features = kept.datasets[0].features
    there = [one for one in features if one.path.step[0] in known]
    del features[:]
    features.extend(there)
    return kept


def _judge(
    found: Sequence[tuple[Anomaly, bool]], folder: Path, dataset: Dataset, schema: Any
) -> tuple[list[Anomaly], list[Noted]]:
    """What is wrong with a dataset, and the records that a few anomalies are about instead.

    A range that many records miss is missed by the dataset; what only few miss is these records'
    matter, unless they are no usable ECG, which `prepare` leaves out where it verifies a database.
    """
    rules = {feature.name: _range_of(feature) for feature in schema.feature}
    ranges = {one.feature: rules[one.feature] for one, of_records in found if of_records}
    splits = [split for split in SPLITS if dataset.splits[split].records]
    outside = _find_outside(folder, dataset, splits, ranges)
    allowed = _tolerated(sum(dataset.splits[split].records for split in splits))
    anomalies, noted = [], []
    for one, of_records in found:
        if not of_records:
            anomalies.append(one)
            continue
        by_split = outside[one.feature]
        everywhere = [record for records in by_split.values() for record in records]
        low, high = USABLE.get(one.feature, (-math.inf, math.inf))
        usable = all(low <= record.value <= high for record in everywhere)
        if usable and len(everywhere) <= allowed:
            noted += everywhere
            continue
        where = splits if one.split == "serving" else [one.split]
        records = [record for split in where for record in by_split.get(split, ())]
        of = sum(dataset.splits[split].records for split in where)
        named = name_noted({record.record_id: [record] for record in records})
        anomalies.append(
            replace(one, long=f"{one.long}: {len(records)} of {of} records, such as {named}")
        )
    return anomalies, noted


def _tolerated(records: int) -> float:
    """How many records of a dataset may be outside of one range: 5 %, and three standard errors."""
    return TOLERATED * records + 3 * math.sqrt(TOLERATED * (1 - TOLERATED) * records)


def _range_of(rule: Any) -> Range:
    """What a feature of the schema allows to each value; of texts, how many a record may have."""
    for domain in ("float_domain", "int_domain"):
        if rule.HasField(domain):
            limits = getattr(rule, domain)
            low = limits.min if limits.HasField("min") else -math.inf
            return low, limits.max if limits.HasField("max") else math.inf
    return 0, rule.value_count.max or math.inf


def _find_outside(
    folder: Path, dataset: Dataset, splits: Sequence[str], ranges: Mapping[str, Range]
) -> dict[str, dict[str, list[Noted]]]:
    """By column and split the records outside of its range, those farthest out first.

    A lead that `prepare` named is named again.
    """
    leads = {(one.record_id, one.measure): one.lead for one in dataset.noted}
    found: dict[str, dict[str, list[Noted]]] = {name: {} for name in ranges}
    names = [name for name in PROFILED if name in {feature_of(one) for one in ranges}]
    for split in splits if names else ():
        for columns in read_columns(folder, dataset, split, [*names, "record_id"]):
            ids = columns["record_id"][0]
            for name in ranges.keys() & columns.keys():
                low, high = ranges[name]
                values, lengths = columns[name]
                rows = np.flatnonzero(lengths)
                if name in TEXTS:  # how many values a record has
                    rows, values = np.arange(len(lengths)), lengths
                wrong = (values < low) | (values > high)
                for row, value in zip(rows[wrong], values[wrong].tolist(), strict=True):
                    record_id = ids[row].decode()
                    measure, _, lead = name.partition(" ")
                    where = lead or leads.get((record_id, measure))
                    text = describe_value(measure, where, value, ranges[name])
                    found[name].setdefault(split, []).append(
                        Noted(record_id, where, measure, float(f"{value:.4g}"), text)
                    )
    for name, by_split in found.items():
        low, high = ranges[name]
        for records in by_split.values():
            records.sort(key=lambda one: max(one.value - high, low - one.value), reverse=True)
    return found
