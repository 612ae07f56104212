"""Mean and standard deviation of each lead of training records, measured once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

import numpy as np

from ecg_keras.array_files import read_arrays
from ecg_keras.array_types import Float64Array
from ecg_keras.data.dataset import Dataset, describe
from ecg_keras.data.reading import Subset, are_in, batches, training_subset
from ecg_keras.errors import DataError
from ecg_keras.files import replacing

# of how they are measured: another number where the same records have other statistics
MEASURE = 1


def signal_statistics(
    folder: str | Path,
    *,
    train_records: int | None = None,
    seed: int = 0,
    subset: Subset = "nested",
    left_out: Collection[str] = (),
) -> tuple[Float64Array, Float64Array]:
    """Mean and standard deviation of each lead over what is trained on, read as a stream.

    They are kept in a small file beside the shards, for the next run on the same records.

    Args:
        folder: of the shards.
        train_records: those of the training split that are trained on; none takes all.
        seed, subset, left_out: as given to `load`.

    Returns:
        Two float64 arrays ``(num_leads,)`` in millivolts.

    Raises:
        DataError: the folder is no finished dataset, or a shard is damaged.

    Source:
        Chan, Golub and LeVeque, Updating formulae and a pairwise algorithm for computing sample
        variances (1979): no two large sums are subtracted from one another.

    Example:
        >>> mean, std = signal_statistics("shards/ptbxl")
        >>> mean.shape, std.shape
        ((12,), (12,))
    """
    dataset = describe(folder)
    chosen = training_subset(folder, dataset, train_records, seed, subset, left_out)
    kept = _place(Path(folder), dataset, chosen)
    if kept is not None and kept.is_file():
        with suppress(DataError):  # a damaged one is made again
            return _load(kept, len(dataset.leads))
    mean, std = _measure(folder, dataset, chosen)
    if kept is not None:
        with (
            suppress(OSError),  # a folder that can't be written to
            replacing(kept) as temporary,
            temporary.open("wb") as file,
        ):
            np.savez(file, mean=mean, std=std)
    return mean, std


def _place(folder: Path, dataset: Dataset, chosen: Collection[str] | None) -> Path | None:
    """The file that keeps what the shards' bytes and the chosen records decide."""
    checksums = [*dataset.splits["train"].checksums.values()]
    if not checksums:
        return None
    content = json.dumps([MEASURE, checksums, chosen if chosen is None else sorted(chosen)])
    return folder / f".statistics-{hashlib.sha256(content.encode()).hexdigest()[:16]}.npz"


def _load(kept: Path, num_leads: int) -> tuple[Float64Array, Float64Array]:
    arrays = read_arrays(kept, ["mean", "std"], "statistics")
    for one in arrays.values():
        if one.shape != (num_leads,) or one.dtype != np.float64 or not np.isfinite(one).all():
            raise DataError(f"{kept}: holds other arrays than statistics of {num_leads} leads.")
    if len(arrays) < 2:
        raise DataError(f"{kept}: lacks mean or std.")
    return arrays["mean"], arrays["std"]


def _measure(
    folder: str | Path, dataset: Dataset, chosen: Collection[str] | None
) -> tuple[Float64Array, Float64Array]:
    wanted, parts = None if chosen is None else frozenset(chosen), []
    for one in batches(folder, dataset, "train"):
        kept = slice(None) if wanted is None else are_in(wanted, one["record_id"])
        values = one["samples"][kept] * one["scale"][kept, None, None].astype(np.float64)
        values = values.reshape(-1, len(dataset.leads))
        if len(values):
            middle = values.mean(axis=0)
            parts.append((len(values), middle, np.square(values - middle).mean(axis=0)))
    if not parts:
        raise DataError(f"{folder}: every record of the train split is left out.")
    counts, means, variances = (np.array(one) for one in zip(*parts, strict=True))
    mean = np.average(means, axis=0, weights=counts)
    variance = np.average(variances + (means - mean) ** 2, axis=0, weights=counts)
    return mean, np.sqrt(variance)
