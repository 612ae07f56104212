"""Who is trained on and who is tested: patient-disjoint, label-stratified, seeded splits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from iterstrat.ml_stratifiers import IterativeStratification

from ecg_keras.config import Split
from ecg_keras.data.dataset import SPLITS
from ecg_keras.data.records import RecordInfo
from ecg_keras.errors import ConfigError, DataError


def assign_splits(
    infos: Sequence[RecordInfo], labels: Sequence[str], split: Split, *, official: bool
) -> dict[str, str]:
    """Gives each record to ``train``, ``valid`` or ``test``, all of a patient's to the same.

    Args:
        infos: the records, in any order; the result does not depend on it.
        labels: names of the label set.
        split: how to split.
        official: whether the source has official folds.

    Returns:
        The split of each ``record_id``.

    Raises:
        ConfigError: official folds are asked of a source that has none.
        DataError: a split would be empty, a record has no fold, or official folds tear a patient
            apart.

    Source:
        Sechidis, Tsoumakas and Vlahavas, On the stratification of multi-label data (2011), applied
        to patients, each with the labels of all of their records.

    Example:
        >>> from pathlib import Path
        >>> infos = [RecordInfo(f"r{i}", f"p{i}", Path("x"), ("MI",) * (i % 2)) for i in range(20)]
        >>> splits = assign_splits(infos, ["MI"], Split(), official=False)
        >>> [list(splits.values()).count(name) for name in ("train", "valid", "test")]
        [13, 3, 4]
    """
    if split.method == "official" and not official:
        raise ConfigError(
            "data.split.method: this source has no official folds. Use patients, or auto."
        )
    ordered = sorted(infos, key=lambda info: info.record_id)
    use_folds = official and split.method != "patients"
    assigned = _by_fold(ordered, split) if use_folds else _by_patient(ordered, labels, split)
    for name in SPLITS:
        if name not in assigned.values():
            raise DataError(_empty(name, ordered, split, use_folds))
    return assigned


def nested_subset(labels: Mapping[str, Sequence[str]], n: int, seed: int) -> tuple[str, ...]:
    """A stratified random subset of records that contains every smaller one of the same seed.

    Records that have the same combination of labels are shuffled and spread evenly over the line
    from 0 to 1, with a random start; the first ``n`` on that line are the subset. So each
    combination has its share of every subset, give or take one record.

    Args:
        labels: names of the labels of each record, by ``record_id``.
        n: how many records to take, at least 1.
        seed: of the random order.

    Returns:
        ``n`` record ids, sorted; all of them where there are no more than ``n``.

    Raises:
        ConfigError: ``n`` is below 1.

    Example:
        >>> records = {f"r{i}": ("MI",) * (i < 4) for i in range(16)}
        >>> subset = nested_subset(records, 8, seed=0)
        >>> sum("MI" in records[name] for name in subset)
        2
        >>> set(nested_subset(records, 4, seed=0)) < set(subset)
        True
    """
    if n < 1:
        raise ConfigError(f"train_records must be at least 1. Received: {n}.")
    groups = defaultdict(list)
    for record_id in sorted(labels):
        groups[tuple(sorted(labels[record_id]))].append(record_id)
    random = np.random.default_rng(seed)
    line: list[tuple[float, str]] = []
    for combination in sorted(groups):
        members = random.permutation(groups[combination])
        places = (np.arange(len(members)) + random.random()) / len(members)
        line += zip(places.tolist(), members.tolist(), strict=True)
    return tuple(sorted(record_id for _, record_id in sorted(line)[:n]))


def _by_fold(infos: Sequence[RecordInfo], split: Split) -> dict[str, str]:
    named = {
        **dict.fromkeys(split.valid_folds, "valid"),
        **dict.fromkeys(split.test_folds, "test"),
    }
    assigned, seen = {}, {}
    for info in infos:
        if info.fold is None:
            raise DataError(
                f"{info.path}: record {info.record_id} has no official fold. Set "
                "data.split.method to patients."
            )
        name = assigned[info.record_id] = named.get(info.fold, "train")
        if seen.setdefault(info.patient_id, name) != name:
            raise DataError(
                f"{info.path}: patient {info.patient_id} is in the splits "
                f"{seen[info.patient_id]} and {name} by the official folds. Set "
                "data.split.method to patients."
            )
    return assigned


def _by_patient(infos: Sequence[RecordInfo], labels: Sequence[str], split: Split) -> dict[str, str]:
    random = np.random.RandomState(split.seed)
    patients = random.permutation(sorted({info.patient_id for info in infos})).tolist()
    row = {patient: index for index, patient in enumerate(patients)}
    column = {label: index for index, label in enumerate(labels)}
    present = np.zeros((len(patients), len(labels)), dtype=bool)
    for info in infos:
        for label in info.labels:
            present[row[info.patient_id], column[label]] = True
    shares = np.array([1 - split.valid - split.test, split.valid, split.test])
    parts = IterativeStratification(present, shares, random)
    # a share of a few patients may be rounded to nobody
    for part in np.flatnonzero(shares > 0):
        sizes = np.bincount(parts, minlength=len(shares))
        if sizes[part] == 0 and sizes.max() > 1:
            parts[np.flatnonzero(parts == sizes.argmax())[-1]] = part
    return {info.record_id: SPLITS[parts[row[info.patient_id]]] for info in infos}


def _empty(name: str, infos: Sequence[RecordInfo], split: Split, use_folds: bool) -> str:
    """Why a split has no record, and what to do."""
    if use_folds:
        found = ", ".join(str(fold) for fold in sorted({info.fold for info in infos}))
        asked = {"valid": split.valid_folds, "test": split.test_folds}.get(name, "all others")
        return (
            f"the {name} split (folds {asked}) has no record. Folds there are: {found or 'none'}. "
            "Change data.split.valid_folds or test_folds, or set data.split.method to patients."
        )
    patients = len({info.patient_id for info in infos})
    return (
        f"the {name} split has no record: there are {patients} patients for shares of valid "
        f"{split.valid} and test {split.test}. Three splits need at least 3 patients and shares "
        "above 0."
    )
