"""`SignalReference`: how far an ECG is from those that a network was trained on.

It makes the out-of-distribution flag of `ecg_keras.prediction`. docs/predict.md has what it finds
and what it misses, beside the distances of embeddings that it was chosen over.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ecg_keras.array_files import read_arrays
from ecg_keras.array_types import AnyArray, Float32Array, TextArray
from ecg_keras.errors import DataError
from ecg_keras.files import replacing
from ecg_keras.metrics import patient_quantile
from ecg_keras.signals import describe_shape

if TYPE_CHECKING:
    from ecg_keras.data import Dataset

# of sound ECGs, how many may be flagged; of the training records, how many are kept
RATE, MOST = 0.01, 2000
ADVICE = "Remove it; `ecg-keras evaluate RUN` makes it again where the shards are there."
_FACTS = ("limit", "rate", "patients", "sampling_rate", "num_leads")


@dataclass(frozen=True, eq=False)
class SignalReference:
    """Descriptions of training records, and the limit of a distance from the nearest of them.

    Attributes:
        known: float16 ``(records, size)``, of `ecg_keras.signals.describe_shape`, standardised.
        centre, scale: ``(size,)``, what standardises.
        limit: distance from which a record is flagged.
        rate: share of sound records that are: 1 %, more where validation patients are few.
        patients: of the validation split, behind the limit.
        sampling_rate, num_leads: of the signals.
    """

    known: npt.NDArray[np.float16]
    centre: Float32Array
    scale: Float32Array
    limit: float
    rate: float
    patients: int
    sampling_rate: float
    num_leads: int

    def distance(self, signals: npt.ArrayLike) -> Float32Array:
        """How far each is from the nearest training record, in units of the limit: above 1, it is
        flagged.

        Args:
            signals: ``(records, num_samples, num_leads)`` in millivolts.
        """
        shapes = (describe_shape(signals, self.sampling_rate) - self.centre) / self.scale
        return np.asarray(_nearest(self.known, shapes) / self.limit, np.float32)

    def save(self, path: Path) -> None:
        """Writes an ``.npz`` without pickles."""
        facts = np.array([getattr(self, name) for name in _FACTS], np.float64)
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(
                file, known=self.known, centre=self.centre, scale=self.scale, facts=facts
            )

    @classmethod
    def load(cls, path: Path) -> SignalReference:
        """Reads what `save` wrote.

        Raises:
            DataError: the file is missing, damaged or of another kind.
        """
        names = ("known", "centre", "scale", "facts")
        arrays = read_arrays(path, names, "references of signals", ADVICE)
        try:
            known, centre, scale, facts = (arrays[name] for name in names)
            limit, rate, patients, sampling_rate, num_leads = (float(one) for one in facts)
            fits = known.shape[1:] == centre.shape == scale.shape == (_size(int(num_leads)),)
            finite = all(np.isfinite(one).all() for one in (known, centre, scale, facts))
            if not (fits and finite and len(known) and limit > 0 and (scale > 0).all()):
                raise ValueError("its arrays do not fit together")
        except (KeyError, ValueError, TypeError, OverflowError) as error:
            raise DataError(f"{path}: no reference of signals ({error}). {ADVICE}") from error
        return cls(known, centre, scale, limit, rate, int(patients), sampling_rate, int(num_leads))


def fit_reference(
    training: npt.ArrayLike,
    validation: npt.ArrayLike,
    patient_ids: npt.ArrayLike,
    sampling_rate: float,
) -> SignalReference | None:
    """A reference of a network's training records, whose limit its validation records choose.

    The limit is the `patient_quantile` of validation distances at 99 %, a conformal test for
    outliers (Bates et al. 2023, Annals of Statistics 51); of fewer than 99 patients their largest.

    Args:
        training: ``(records, num_samples, num_leads)`` in millivolts.
        validation: the same, of other patients.
        patient_ids: of these.
        sampling_rate: of both, in Hz.

    Returns:
        ``None`` where one of the two has no record.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> found = fit_reference(
        ...     rng.normal(size=(200, 200, 2)), rng.normal(size=(99, 200, 2)), np.arange(99), 100
        ... )
        >>> (found.distance(rng.normal(size=(1, 200, 2)) * [[[1]], [[3]]]) > 1).tolist()
        [False, True]
    """
    signals = np.asarray(training, np.float32)
    shapes = [describe_shape(one, sampling_rate) for one in (signals, validation)]
    return _fit(shapes[0], shapes[1], np.asarray(patient_ids), sampling_rate, signals.shape[2])


def make_reference(
    shards: str | Path,
    *,
    trained_on: Collection[str] | None = None,
    left_out: Collection[str] = (),
) -> SignalReference | None:
    """The reference of a network from the shards that it was trained from.

    Args:
        shards: their folder.
        trained_on: ids of the training records; ``None`` takes all. Of more than 2,000 that many
            are drawn.
        left_out: ids of validation records that are left out.

    Returns:
        ``None`` where there is no training or no validation record.

    Raises:
        DataError: the folder is no finished dataset, or a shard is damaged.

    Example:
        >>> make_reference("shards/ptbxl").save(Path("reference.npz"))  # doctest: +SKIP
    """
    from ecg_keras import data

    dataset = data.describe(shards)
    ids = trained_on
    if ids is None:
        ids = data.training_subset(shards, dataset, MOST, 0)
    elif len(ids) > MOST:
        ids = np.random.default_rng(0).choice(sorted(ids), MOST, replace=False).tolist()
    training, _ = _read(shards, dataset, "train", None if ids is None else set(ids), set())
    validation, patients = _read(shards, dataset, "valid", None, set(left_out))
    rate, leads = dataset.sampling_rate, len(dataset.leads)
    return _fit(training, validation, patients, rate, leads)


def _read(
    shards: str | Path, dataset: Dataset, split: str, chosen: set[str] | None, left_out: set[str]
) -> tuple[Float32Array, TextArray]:
    """Descriptions and patients of a split's records."""
    from ecg_keras import data

    shapes = [np.empty((0, _size(len(dataset.leads))), np.float32)]
    patients = [np.empty(0, np.str_)]
    wanted = ("samples", "scale", "record_id", "patient_id")
    for batch in (
        data.batches(shards, dataset, split, wanted) if dataset.splits[split].records else ()
    ):
        names = batch["record_id"].tolist()
        kept = np.array(
            [one not in left_out and (chosen is None or one in chosen) for one in names]
        )
        if kept.any():
            signals = batch["samples"][kept] * batch["scale"][kept, None, None]
            shapes.append(describe_shape(signals, dataset.sampling_rate))
            patients.append(batch["patient_id"][kept])
    return np.concatenate(shapes), np.concatenate(patients)


def _fit(
    training: Float32Array,
    validation: Float32Array,
    patient_ids: AnyArray,
    sampling_rate: float,
    num_leads: int,
) -> SignalReference | None:
    if not len(training) or not len(validation):
        return None
    patients = len(np.unique(patient_ids))
    rate = max(RATE, 1 / (patients + 1))
    centre, scale = training.mean(axis=0), training.std(axis=0) + np.float32(1e-3)
    known = ((training - centre) / scale).astype(np.float16)
    distances = _nearest(known, (validation - centre) / scale)
    limit = max(patient_quantile(distances, patient_ids, 1 - rate), 1e-3)
    return SignalReference(known, centre, scale, limit, rate, patients, sampling_rate, num_leads)


def _nearest(known: npt.NDArray[np.float16], shapes: Float32Array) -> Float32Array:
    """Distances from the nearest known one, a few records at a time."""
    to = known.astype(np.float32)
    squares = (to**2).sum(axis=1)
    found = [
        squares - 2 * part @ to.T + (part**2).sum(axis=1, keepdims=True)
        for part in np.array_split(shapes, max(1, len(shapes) // 256))
    ]
    nearest = np.concatenate([one.min(axis=1) for one in found])
    return np.asarray(np.sqrt(np.maximum(nearest, 0)), np.float32)


def _size(num_leads: int) -> int:
    return 10 * num_leads + num_leads * (num_leads - 1) // 2
