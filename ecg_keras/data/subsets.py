"""Which records of the training split are trained on where a recipe wants fewer than all."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from ecg_keras.errors import ConfigError


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
    _check(n)
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


def first_records(record_ids: Iterable[str], n: int) -> tuple[str, ...]:
    """The first records in the order of their ids, as some published studies took them.

    Databases list their records as they were recorded, so the first ones may differ from the rest
    in patients, devices and labels: a `nested_subset` does not.

    Args:
        record_ids: of the training split, in any order.
        n: how many to take, at least 1.

    Returns:
        ``n`` record ids in their order, in which numbers count by value: ``"2"`` is before
        ``"10"``. All of them where there are no more than ``n``.

    Raises:
        ConfigError: ``n`` is below 1.

    Example:
        >>> first_records(["10", "9", "11"], 2)
        ('9', '10')
    """
    _check(n)
    return tuple(sorted(record_ids, key=_by_number)[:n])


def _by_number(record_id: str) -> tuple[list[str | int], str]:
    """Sorts the digits of an id by their value; its text decides between ``01`` and ``1``."""
    parts = re.split(r"([0-9]+)", record_id)
    return [int(part) if index % 2 else part for index, part in enumerate(parts)], record_id


def _check(n: int) -> None:
    if n < 1:
        raise ConfigError(f"train_records must be at least 1. Received: {n}.")
