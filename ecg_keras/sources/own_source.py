"""Checks of a source that is a module of the user's own, before its answers are used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ecg_keras.errors import ConfigError, DataError, printable, shortened
from ecg_keras.records import RecordInfo

# of a label set: each is an output of the network, a column of every table and a part of the page
MAX_LABELS = 1000


def check_label_sets(name: str, label_sets: Any) -> None:
    """Refuses what is no table of label sets.

    Args:
        name: of the source.
        label_sets: its ``LABEL_SETS``.

    Raises:
        ConfigError: it is no dict of names to labels, or a label set is empty, names a label twice,
            has more than `MAX_LABELS` or one that is no text of one line.

    Example:
        >>> check_label_sets("my_lab.hospital", {"rhythm": ("AF", "SR")})
    """
    if not isinstance(label_sets, Mapping) or not label_sets:
        raise ConfigError(
            f"source {name}: LABEL_SETS must be a dict of at least one name to its labels, such as "
            f'{{"rhythm": ("AF", "SR")}}. Received: {shortened(repr(label_sets), 80)}.'
        )
    for title, labels in label_sets.items():
        where = f"source {name}: LABEL_SETS[{shortened(repr(title), 80)}]"
        if not isinstance(labels, tuple | list) or not 1 <= len(labels) <= MAX_LABELS:
            count = f"{len(labels)} labels" if isinstance(labels, tuple | list) else repr(labels)
            raise ConfigError(
                f"{where} must be a tuple of 1 to {MAX_LABELS} labels. Received: "
                f"{shortened(count, 80)}."
            )
        for label in (title, *labels):
            if not _is_name(label):
                raise ConfigError(
                    f"{where}: names must be text of one line. Received: "
                    f"{shortened(repr(label), 80)}."
                )
        twice = next((label for label in labels if labels.count(label) > 1), None)
        if twice is not None:
            raise ConfigError(f"{where} has {shortened(repr(twice), 80)} twice. Name it once.")


def check_listed(name: str, root: Path, listed: Any) -> Sequence[RecordInfo]:
    """What a source listed, if it is what ``list_records`` must return.

    Args:
        name: of the source.
        root: the folder of its database.
        listed: what it returned.

    Raises:
        DataError: it is no list of `RecordInfo`, or one has ids that are no text of one line, a
            path that is none, or labels that are no tuple of names.
    """
    if not isinstance(listed, list | tuple):
        raise DataError(
            f"{root}: source {name}: list_records must return a list of RecordInfo. Received: "
            f"{shortened(repr(listed), 80)}."
        )
    for number, info in enumerate(listed):
        where = f"{root}: source {name}: entry {number} of list_records"
        if not isinstance(info, RecordInfo):
            raise DataError(f"{where} must be a RecordInfo. Received: {shortened(repr(info), 80)}.")
        for field in ("record_id", "patient_id"):
            if not _is_name(getattr(info, field)):
                raise DataError(
                    f"{where}: {field} must be text of one line. Received: "
                    f"{shortened(repr(getattr(info, field)), 80)}."
                )
        if not isinstance(info.path, Path):
            raise DataError(
                f"{where}: path must be a pathlib.Path. Received: {shortened(repr(info.path), 80)}."
            )
        if not isinstance(info.labels, tuple) or not all(map(_is_name, info.labels)):
            raise DataError(
                f"{where}: labels must be a tuple of names. Received: "
                f"{shortened(repr(info.labels), 80)}."
            )
    return listed


def _is_name(value: Any) -> bool:
    return (
        isinstance(value, str)
        and bool(value.strip())
        and value == printable(value)
        and ("\n" not in value)
    )
