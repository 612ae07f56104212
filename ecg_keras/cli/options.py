"""Arguments that several commands take."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

RecipePath = click.argument("recipe", type=click.Path(path_type=Path))
RunPath = click.argument("run", type=click.Path(path_type=Path))
ShardsPath = click.argument("shards", type=click.Path(path_type=Path))


def overrides(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds ``--set KEY=VALUE``, which may be given several times."""
    return click.option(
        "--set",
        "assignments",
        multiple=True,
        metavar="KEY=VALUE",
        help="Override a setting of the recipe, such as training.seed=1. May be repeated.",
    )(command)


def beam_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds ``--beam`` and, behind ``--``, the options of its pipeline, as ``pipeline``.

    It is ``None`` without ``--beam``; options without it are an error.
    """

    def gather(context: click.Context, parameter: click.Parameter, given: tuple[str, ...]) -> Any:
        if context.params.pop("beam"):
            return given
        if given:
            raise click.UsageError(f"{given[0]}: pipeline options need --beam", context)
        return None

    options = click.argument(
        "pipeline", nargs=-1, type=click.UNPROCESSED, metavar="[-- OPTION...]", callback=gather
    )
    flag = click.option(
        "--beam",
        is_flag=True,
        is_eager=True,
        help="Run as an Apache Beam pipeline; its options follow behind --.",
    )
    return flag(options(command))
