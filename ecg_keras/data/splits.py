"""Who is trained on and who is tested: splits by patient, and subsets of the training split."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from ecg_keras.config import Split
from ecg_keras.data.dataset import SPLITS
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.records import RecordInfo

# torn patients that a message names
_NAMED = 5


def assign_splits(
    infos: Sequence[RecordInfo], labels: Sequence[str], split: Split, *, official: bool
) -> dict[str, str]:
    """Gives each record id ``train``, ``valid`` or ``test``, all of a patient's the same.

    Method ``records`` alone does not look at patients: it draws what scikit-learn's
    ``train_test_split`` draws. The order of the records does not matter.
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
    torn: dict[str, tuple[RecordInfo, int]] = {}
    for info in infos:
        if info.fold is None:
            raise DataError(
                f"{info.path}: record {info.record_id} has no official fold. Set "
                "data.split.method to patients."
            )
        parts.append(part_of[info.fold])
        if part_of[first.setdefault(info.patient_id, info.fold)] != part_of[info.fold]:
            torn.setdefault(info.patient_id, (info, info.fold))
    if torn:
        lines = [
            f"{info.path}: patient {name} is in the official folds {first[name]} and {fold}, "
            f"which belong to different splits ({roles[part_of[first[name]]]} and "
            f"{roles[part_of[fold]]})."
            for name, (info, fold) in list(torn.items())[:_NAMED]
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
    part_of = {int(row): part for part, group in enumerate(groups) for row in group}
    return [part_of[row] for row in range(records)]


def _by_patient(infos: Sequence[RecordInfo], labels: Sequence[str], split: Split) -> list[int]:
    """The part of each record by its patient, stratified by label."""
    # Sechidis, Tsoumakas and Vlahavas, On the stratification of multi-label data (2011), applied to
    # patients, each with the labels of all of their records; imported here because it takes a
    # second, and official folds need none
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
        folds = {"valid": split.valid_folds, "test": split.test_folds}.get(name, "all others")
        return (
            f"the {name} split (folds {folds}) has no record. Folds there are: "
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


def nested_subset(labels: Mapping[str, Sequence[str]], n: int, seed: int) -> tuple[str, ...]:
    """Ids of a stratified random subset that contains every smaller one of the same seed, sorted.

    ``labels`` are those of each record, by its id.
    """
    _check_subset(n)
    groups = defaultdict(list)
    for record_id in sorted(labels):
        groups[tuple(sorted(labels[record_id]))].append(record_id)
    random = np.random.default_rng(seed)
    # records with the same labels are spread evenly over the line from 0 to 1, with a random start:
    # each combination has its share of what is at the beginning of the line, give or take a record
    line: list[tuple[float, str]] = []
    for combination in sorted(groups):
        members = random.permutation(groups[combination])
        places = (np.arange(len(members)) + random.random()) / len(members)
        line += zip(places.tolist(), members.tolist(), strict=True)
    return tuple(sorted(record_id for _, record_id in sorted(line)[:n]))


def first_records(record_ids: Iterable[str], n: int) -> tuple[str, ...]:
    """The first records in the order of their ids, as some studies took them: "2" is before "10".

    Databases list their records as they were recorded, so the first ones may differ from the rest
    in patients, devices and labels: a `nested_subset` does not.
    """
    _check_subset(n)
    return tuple(sorted(record_ids, key=_by_number)[:n])


def _by_number(record_id: str) -> tuple[list[str | int], str]:
    """Sorts the digits of an id by their value; its text decides between ``01`` and ``1``."""
    parts = re.split(r"([0-9]+)", record_id)
    return [int(part) if index % 2 else part for index, part in enumerate(parts)], record_id


def _check_subset(n: int) -> None:
    if n < 1:
        raise ConfigError(f"train_records must be at least 1. Received: {n}.")
