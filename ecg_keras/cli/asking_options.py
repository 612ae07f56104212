"""Options of the commands that ask a network about recordings, and the network that they open."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

Count = click.IntRange(min=1)
Command = Callable[..., Any]


def _split_names(
    context: click.Context, option: click.Parameter, names: str | None
) -> tuple[str, ...] | None:
    return None if names is None else tuple(name.strip() for name in names.split(","))


def _name_leads(
    context: click.Context, option: click.Parameter, pairs: tuple[str, ...]
) -> dict[str, str] | None:
    names = {}
    for pair in pairs:
        name, found, lead = pair.rpartition("=")
        if not found:
            raise click.BadParameter(f"--lead-names takes NAME=LEAD. Received: {pair}")
        names[name] = lead
    return names or None


# how a network is asked about what it is asked about
ASKING = (
    click.option(
        "--split",
        type=click.Choice(["train", "valid", "test"]),
        help="Of shards; all if not given.",
    ),
    click.option(
        "--aggregate",
        type=click.Choice(["mean", "maximum", "trained"]),
        default="mean",
        show_default=True,
        help="How the windows of a longer recording become one answer; trained asks about "
        "the one window that the shards of the training keep.",
    ),
    click.option(
        "--short",
        type=click.Choice(["drop", "pad"]),
        help="What is done with shorter recordings; by default as in the training.",
    ),
    click.option(
        "--verify",
        type=click.Choice(["refuse", "off"]),
        help="Whether a wrong unit or wrong leads are refused; by default as in the training.",
    ),
    click.option(
        "--workers",
        default=min(4, os.cpu_count() or 1),
        show_default=True,
        type=Count,
        help="Processes that read files.",
    ),
)
# what files do not say themselves, by its names in `LooseFiles`
READING = {
    "sampling_rate": click.option(
        "--sampling-rate", type=float, help="Hz of CSV files and arrays, which don't say."
    ),
    "unit": click.option(
        "--unit",
        metavar="mV|uV|V",
        help="Of CSV files and arrays, and of EDF files that don't say; or a step, as '4.88 uV'.",
    ),
    "leads": click.option(
        "--leads",
        metavar="I,II,...",
        callback=_split_names,
        help="The columns of CSV files or arrays in order; of arrays the standard twelve if not "
        "given.",
    ),
    "lead_names": click.option(
        "--lead-names",
        multiple=True,
        metavar="NAME=LEAD",
        callback=_name_leads,
        help="Which lead a name of yours means. May be repeated.",
    ),
    "decimal": click.option(
        "--decimal", type=click.Choice([".", ","]), help="The decimal sign of CSV files."
    ),
    "array": click.option(
        "--array",
        help="Name of the array in HDF5, .npz and MATLAB's .mat files; else tracings or ecg, but "
        "never of a .mat.",
    ),
}
# what a lone .keras file does not say of itself
LONE = (
    click.option(
        "--model-labels",
        metavar="A,B,...",
        callback=_split_names,
        help="Of a lone .keras file: its labels.",
    ),
    click.option(
        "--model-leads",
        metavar="I,II,...",
        callback=_split_names,
        help="Of a lone .keras file: its leads.",
    ),
    click.option(
        "--model-rate", type=float, help="Of a lone .keras file: its sampling rate in Hz."
    ),
)


def asking_options(
    *, embedding: bool = False, batch_size: int = 128
) -> Callable[[Command], Command]:
    """Adds what says how MODEL is opened, as ``trained``, and how FILES are read, as ``reading``,
    and asked about."""

    def add(command: Command) -> Command:
        @wraps(command)
        def gather(
            model: str | Path,
            files: tuple[str, ...],
            short: str | None,
            verify: str | None,
            workers: int,
            model_leads: tuple[str, ...] | None,
            model_rate: float | None,
            model_labels: tuple[str, ...] | None = None,
            model_card: Path | None = None,
            **others: Any,
        ) -> Any:
            from ecg_keras import prediction

            reading = prediction.LooseFiles(**{name: others.pop(name) for name in READING})
            trained = prediction.open_trained(
                model,
                labels=model_labels,
                leads=model_leads,
                sampling_rate=model_rate,
                embedding=embedding,
                short=short,
                verify=verify,
                card=model_card,
            )
            workers = _count_workers(workers, files)
            return command(trained, files, reading=reading, workers=workers, **others)

        size = click.option("--batch-size", default=batch_size, show_default=True, type=Count)
        options = (*ASKING, size, *READING.values(), *(LONE[1:] if embedding else LONE))
        added: Command = gather
        for option in reversed(options):
            added = option(added)
        return added

    return add


def _count_workers(workers: int, files: tuple[str, ...]) -> int:
    """A process takes a second to start: a few files named one by one are read in this one."""
    few = len(files) <= 16 and not any(glob.has_magic(one) or Path(one).is_dir() for one in files)
    return 1 if few else workers
