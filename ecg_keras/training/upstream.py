"""What first weights may be used for which dataset."""

from __future__ import annotations

from pathlib import Path

from ecg_keras import data
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.training.run import Run


def check_upstream(upstream: Path, dataset: data.Dataset, *, keep_head: bool) -> None:
    """Refuses first weights that were trained on other signals than the dataset's.

    Raises:
        DataError: leads or sampling rate differ; or the head is kept and the labels differ. A
            single ``.keras`` file names neither, so only a run folder can be checked.
    """
    card = Run(upstream).dataset
    if not card.is_file():
        if keep_head:
            raise ConfigError(
                f"initialise.head keep needs a run folder, whose dataset.json names the labels. "
                f"Received: {upstream}."
            )
        return
    theirs = data.read_dataset(card)
    for what, old, new, setting in (
        ("leads", theirs.leads, dataset.leads, "data.leads"),
        ("sampling rate", theirs.sampling_rate, dataset.sampling_rate, "data.sampling_rate"),
    ):
        if old != new:
            raise DataError(
                f"{upstream}: was trained with {what} {_say(old)}, and this recipe has {_say(new)}."
                f" Set {setting} to the upstream's, or choose another upstream."
            )
    if keep_head and theirs.labels != dataset.labels:
        raise DataError(
            f"{upstream}: its head tells {_say(theirs.labels)} and this recipe's labels are "
            f"{_say(dataset.labels)}. A head can be kept only for the same labels in the same "
            "order: use `initialise: {head: new}`."
        )


def _say(value: object) -> str:
    return ", ".join(value) if isinstance(value, tuple) else f"{value:g} Hz"
