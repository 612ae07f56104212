"""`validate` and `find_drift`: a dataset against its schema, and against other datasets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ecg_keras.array_types import AnyArray
from ecg_keras.data import SPLITS, Dataset, Noted, describe
from ecg_keras.validation.anomalies import Anomaly, DatasetComparison, Validation
from ecg_keras.validation.columns import arrange_figures
from ecg_keras.validation.few_records import judge
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
    anomalies, outside = judge(found, folder, dataset, schema)
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
        anomalies += judge(found, Path(serving), received, schema)[0]
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
    anomalies, outside = judge(found, folder, dataset, schema)
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
