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
