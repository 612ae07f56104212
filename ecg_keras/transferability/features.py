"""`extract`: what a checkpoint makes of a target's records, in one forward pass."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import sparse

from ecg_keras import data, weights
from ecg_keras.array_types import Float32Array, TextArray
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.transferability.checked_inputs import check_patients, check_targets, usable_labels

if TYPE_CHECKING:
    from ecg_keras.keras_library import keras

BATCH = 128
# nearest neighbours compare each record with each: of half a million that takes hours a checkpoint
MOST_RECORDS = 20_000
# wider embeddings are sketched: a recurrent network's flattened time steps have 100,000 columns
WIDEST = 2048


@dataclass(frozen=True, eq=False)
class Features:
    """What one checkpoint makes of one target's records.

    Attributes:
        embeddings: float32 ``(records, size)``: what goes into the head; sketched where it was
            wider than 2048.
        source_probabilities: float32 ``(records, source labels)`` from the head, ``None`` where
            its activation is no sigmoid, or it was published without one and is chance.
        targets: uint8 ``(records, labels)``, 1 where the label is present.
        labels: the target's, in column order.
        record_ids, patient_ids: ``(records,)`` strings.
        source_labels: what the columns of ``source_probabilities`` mean; ``None`` where the
            checkpoint is a single file, which does not say.
        width: of the embedding before it was sketched.

    Raises:
        DataError: not as many rows in one as in another.
    """

    embeddings: Float32Array
    source_probabilities: Float32Array | None
    targets: npt.NDArray[np.uint8]
    labels: tuple[str, ...]
    record_ids: TextArray
    patient_ids: TextArray
    source_labels: tuple[str, ...] | None = None
    width: int = 0

    def __post_init__(self) -> None:
        rows = [self.embeddings, self.source_probabilities, self.targets, self.record_ids]
        lengths = {len(one) for one in [*rows, self.patient_ids] if one is not None}
        if len(lengths) > 1 or np.shape(self.targets)[1:] != (len(self.labels),):
            raise DataError(
                "embeddings, source_probabilities, targets, record_ids and patient_ids must have a "
                "row for each record, and targets a column for each label. Received: rows "
                f"{sorted(lengths)}, targets {np.shape(self.targets)}, {len(self.labels)} labels."
            )

    @property
    def left_out(self) -> tuple[str, ...]:
        """Labels with which nothing can be estimated: fewer than two patients have them, or not.

        Raises:
            DataError: that is true of all labels.
        """
        truth = check_targets(self.targets)
        used = usable_labels(truth, check_patients(self.patient_ids, len(truth)))
        return tuple(label for column, label in enumerate(self.labels) if column not in used)


def extract(
    checkpoint: str | Path,
    shards: str | Path,
    *,
    split: str = "train",
    train_records: int | None = None,
    seed: int = 0,
    subset: Literal["nested", "first"] = "nested",
    left_out: Collection[str] = (),
    on_progress: Callable[[int, int], Any] = lambda done, total: None,
) -> Features:
    """Runs a checkpoint once over the records that would be trained on.

    Args:
        checkpoint: a run folder, or a ``.keras`` file whose last layer is called ``head``. A run
            of fewer leads than the target's gets its own, by their names.
        shards: folder of the target's prepared dataset.
        split: ``"train"``; the others are for validation and for the final test.
        train_records: only this many records, those that a recipe with ``data.train_records`` and
            this seed trains on.
        seed: of a nested subset, and of the sketch of wide embeddings.
        subset: which records these are: ``data.subset`` of that recipe.
        left_out: ids of training records that are left out, as
            `ecg_keras.training.records_left_out` gives them of a run.
        on_progress: called with the records done and the records in all after each batch.

    Raises:
        ConfigError: ``train_records`` is below 1.
        DataError: the checkpoint can't be opened, has no layer ``head``, was trained on other
            leads or another sampling rate, or takes no ECGs of the target's length; a shard is
            damaged; an embedding is not finite.

    Example:
        >>> features = extract("runs/ptbxl_pretrain", "shards/ludb")  # doctest: +SKIP
        >>> features.embeddings.shape  # doctest: +SKIP
        (120, 512)
    """
    from ecg_keras import models
    from ecg_keras.keras_library import keras
    from ecg_keras.training import Run, check_upstream, run_of

    checkpoint, shards = Path(checkpoint), Path(shards)
    dataset = data.describe(shards)
    # a file model.keras that is still in its run folder is checked like the run
    run = Run(checkpoint if checkpoint.is_dir() else checkpoint.parent)
    source = data.read_dataset(run.dataset) if run.dataset.is_file() else None
    # of more leads the network gets its own, by their names
    more = source is not None and set(source.leads) <= set(dataset.leads)
    leads = source.leads if source is not None and more else dataset.leads
    places = [dataset.leads.index(lead) for lead in leads]
    check_upstream(run.folder, replace(dataset, leads=leads), keep_head=False)
    model = models.load_model(checkpoint)
    shape = (dataset.num_samples, len(leads))
    _check_shape(model, shape, checkpoint)
    try:
        forward, head = models.cut_head(model, shape[0]), model.get_layer("head")
    except ConfigError as error:  # it was built for one length alone
        raise DataError(f"{checkpoint}: {error}") from error
    width = int(forward(np.zeros((1, *shape), np.float32))[0].shape[-1])
    chosen = None
    if split == "train":
        chosen = data.training_subset(shards, dataset, train_records, seed, subset, left_out)
    sketch = _sketch_matrix(width, seed) if width > WIDEST else None

    columns: list[list[Any]] = [[], [], [], [], []]
    done, total = 0, len(chosen) if chosen is not None else dataset.splits[split].records
    for signal, target, names, patients in data.load_chosen(shards, split, BATCH, chosen):
        given = signal if leads == dataset.leads else signal.numpy()[..., places]
        embedding, probability = (part.numpy() for part in forward(given))
        if not (np.isfinite(embedding).all() and np.isfinite(probability).all()):
            rows = np.isfinite(embedding).all(axis=1) & np.isfinite(probability).all(axis=1)
            raise DataError(
                f"{checkpoint}: its embedding of record {names[~rows][0]} is not finite: the "
                "network overflows, or its weights are damaged. Leave it out."
            )
        batch = (
            embedding if sketch is None else embedding @ sketch,
            probability,
            target.astype(np.uint8),
            names,
            patients,
        )
        for column, part in zip(columns, batch, strict=True):
            column.append(part)
        done += len(names)
        on_progress(done, total)
    if not done:
        raise DataError(f"{shards}: the split {split} has no record.")
    embeddings, probabilities, targets, record_ids, patient_ids = map(np.concatenate, columns)
    is_sigmoid = getattr(head, "activation", None) is keras.activations.sigmoid
    is_chance = weights.describe_head(checkpoint, run_of(checkpoint).card) != ""
    return Features(
        embeddings=embeddings,
        source_probabilities=probabilities if is_sigmoid and not is_chance else None,
        targets=targets,
        labels=dataset.labels,
        record_ids=record_ids,
        patient_ids=patient_ids,
        source_labels=source.labels if source is not None else None,
        width=width,
    )


def _check_shape(model: keras.Model, shape: tuple[int, int], checkpoint: Path) -> None:
    names = [layer.name for layer in model.layers]
    if names[-1] != "head":
        raise DataError(
            f"{checkpoint}: its last layer must be called head, as in every model of ecg_keras. "
            f"Received: {names[-1]}. Build it with ecg_keras.models.classifier, or rename it."
        )
    if model.input_shape[-1] not in (None, shape[-1]):
        raise DataError(
            f"{checkpoint}: takes signals of the shape (num_samples, num_leads) = "
            f"{tuple(model.input_shape[1:])}, and the target's are {shape}. Prepare the target "
            "with the checkpoint's sampling rate and leads."
        )


# Each column is added, with a random sign, to one random column of the result: inner products are
# kept in the mean, with a variance of at most 2 |x|^2 |y|^2 / 2048, so distances and angles err by
# about 3 %. Weinberger et al., Feature hashing for large scale multitask learning (ICML 2009).
def _sketch_matrix(size: int, seed: int) -> sparse.csr_matrix:
    """A random matrix that takes embeddings to `WIDEST` columns: a count sketch."""
    rng = np.random.default_rng(seed)
    signs = rng.choice(np.array([-1, 1], dtype=np.float32), size)
    places = rng.integers(WIDEST, size=size)
    return sparse.csr_matrix((signs, (np.arange(size), places)), shape=(size, WIDEST))
