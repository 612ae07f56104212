"""Who is trained on and who is tested: patient-disjoint, label-stratified, seeded splits."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ecg_keras.config import Split
from ecg_keras.data.dataset import SPLITS
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.records import RecordInfo

# torn patients that a message names
MOST_NAMED = 5


def assign_splits(
    infos: Sequence[RecordInfo], labels: Sequence[str], split: Split, *, official: bool
) -> dict[str, str]:
    """Gives each record to ``train``, ``valid`` or ``test``, all of a patient's to the same.

    The one exception is method ``records``, which does not look at patients: it is there to show
    what a study that split so would have found.

    Args:
        infos: the records, in any order; the result does not depend on it.
        labels: names of the label set.
        split: how to split.
        official: whether the source has official folds.

    Returns:
        The split of each ``record_id``.

    Raises:
        ConfigError: official folds are asked of a source that has none.
        DataError: a split would be empty (the validation split may be, where its share is 0 or it
            is given no folds), a record has no fold, official folds tear a patient
            apart, or there are fewer of them than the folds of a cross-validation.

    Source:
        Sechidis, Tsoumakas and Vlahavas, On the stratification of multi-label data (2011), applied
        to patients, each with the labels of all of their records. Method ``records`` draws what
        scikit-learn's ``train_test_split`` draws from the sorted records with the same seed.

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
    use_folds = official and split.method in ("auto", "official")
    if use_folds:
        parts = _by_fold(ordered, split)
    elif split.method == "records":
        parts = _by_record(len(ordered), split)
    else:
        parts = _by_patient(ordered, labels, split)
    roles = _roles(split)
    wants_valid = split.valid_folds if use_folds else split.valid > 0
    for part, role in enumerate(roles):
        if part not in parts and (role != "valid" or wants_valid):
            raise DataError(_empty(role, ordered, split, use_folds))
    return {info.record_id: roles[part] for info, part in zip(ordered, parts, strict=True)}


def _roles(split: Split) -> tuple[str, ...]:
    """What each part of the records is for: the three splits, or a role for each fold."""
    if split.folds is None or split.fold is None:
        return SPLITS
    roles = ["train"] * split.folds
    roles[split.fold] = "test"
    roles[(split.fold + 1) % split.folds] = "valid"
    return tuple(roles)


def _by_fold(infos: Sequence[RecordInfo], split: Split) -> list[int]:
    """The part of each record by its official fold."""
    part_of, roles = _parts_of_folds(infos, split), _roles(split)
    parts: list[int] = []
    first: dict[str, int] = {}
    torn: dict[str, RecordInfo] = {}
    for info in infos:
        if info.fold is None:
            raise DataError(
                f"{info.path}: record {info.record_id} has no official fold. Set "
                "data.split.method to patients."
            )
        parts.append(part_of[info.fold])
        if part_of[first.setdefault(info.patient_id, info.fold)] != part_of[info.fold]:
            torn.setdefault(info.patient_id, info)
    if torn:
        lines = [
            f"{info.path}: patient {name} is in the official folds {first[name]} and {info.fold}, "
            f"which belong to different splits ({roles[part_of[first[name]]]} and "
            f"{roles[part_of[info.fold]]})."
            for name, info in list(torn.items())[:MOST_NAMED]
        ]
        more = f"{len(torn)} patients are torn apart. " if len(torn) > 1 else ""
        raise DataError(
            "\n".join(lines) + f" {more}Set data.split.method to patients, or correct the folds."
        )
    return parts


def _parts_of_folds(infos: Sequence[RecordInfo], split: Split) -> dict[int, int]:
    """The part of each official fold; for cross-validation they are grouped in their order."""
    found = sorted({info.fold for info in infos if info.fold is not None})
    if split.folds is None:
        named = {**dict.fromkeys(split.valid_folds, 1), **dict.fromkeys(split.test_folds, 2)}
        return {fold: named.get(fold, 0) for fold in found}
    if 0 < len(found) < split.folds:
        raise DataError(
            f"data.split.folds is {split.folds}, and the database has {len(found)} official folds: "
            f"{_listed(found)}. Set data.split.folds to at most {len(found)}, or data.split.method "
            "to patients."
        )
    groups = np.array_split(found, split.folds)
    return {fold: part for part, group in enumerate(groups) for fold in group.tolist()}


def _by_record(records: int, split: Split) -> list[int]:
    """The part of each record, drawn at random: the test records first, their number rounded up."""
    order = np.random.RandomState(split.seed).permutation(records)
    if split.folds is not None:
        groups = np.array_split(order, split.folds)
    else:
        test, valid = (math.ceil(share * records) for share in (split.test, split.valid))
        groups = [order[test + valid :], order[test : test + valid], order[:test]]
    parts = np.zeros(records, dtype=int)
    for part, group in enumerate(groups):
        parts[group] = part
    return parts.tolist()


def _by_patient(infos: Sequence[RecordInfo], labels: Sequence[str], split: Split) -> list[int]:
    """The part of each record by its patient, stratified by label."""
    # imported here because it takes a second, and official folds need none
    from iterstrat.ml_stratifiers import IterativeStratification

    random = np.random.RandomState(split.seed)
    patients = random.permutation(sorted({info.patient_id for info in infos})).tolist()
    row = {patient: index for index, patient in enumerate(patients)}
    column = {label: index for index, label in enumerate(labels)}
    present = np.zeros((len(patients), len(labels)), dtype=bool)
    for info in infos:
        for label in info.labels:
            present[row[info.patient_id], column[label]] = True
    if split.folds is None:
        shares = np.array([1 - split.valid - split.test, split.valid, split.test])
    else:
        shares = np.full(split.folds, 1 / split.folds)
    parts = IterativeStratification(present, shares, random)
    # a share of a few patients may be rounded to nobody
    for part in np.flatnonzero(shares > 0):
        sizes = np.bincount(parts, minlength=len(shares))
        if sizes[part] == 0 and sizes.max() > 1:
            parts[np.flatnonzero(parts == sizes.argmax())[-1]] = part
    return [int(parts[row[info.patient_id]]) for info in infos]


def _empty(name: str, infos: Sequence[RecordInfo], split: Split, use_folds: bool) -> str:
    """Why a split has no record, and what to do."""
    if use_folds:
        found = sorted({info.fold for info in infos if info.fold is not None})
        asked = {"valid": split.valid_folds, "test": split.test_folds}.get(name, "all others")
        return (
            f"the {name} split (folds {asked}) has no record. Folds there are: "
            f"{_listed(found) or 'none'}. Change data.split.valid_folds or test_folds, or set "
            "data.split.method to patients."
        )
    what = "records" if split.method == "records" else "patients"
    count = len(infos) if what == "records" else len({info.patient_id for info in infos})
    if split.folds is not None:
        return (
            f"there are {count} {what} for {split.folds} folds, and a fold needs at least one. "
            "Lower data.split.folds."
        )
    return (
        f"the {name} split has no record: there are {count} {what} for shares of valid "
        f"{split.valid} and test {split.test}. Three splits need at least 3 {what} and shares "
        "above 0."
    )


def _listed(folds: Sequence[int]) -> str:
    return ", ".join(map(str, folds))
