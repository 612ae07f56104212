"""Arguments that several commands take."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

RecipePath = click.argument("recipe", type=click.Path(path_type=Path))
RunPath = click.argument("run", type=click.Path(path_type=Path))
ShardsPath = click.argument("shards", type=click.Path(path_type=Path))


def check_page(
    context: click.Context, parameter: click.Parameter, page: Path | None
) -> Path | None:
    """A page replaces what was there, so it must not be a file of another kind."""
    if page is not None and page.suffix != ".html":
        raise click.BadParameter(f"a page's name ends in .html. Received: {page}")
    return page


def check_json(
    context: click.Context, parameter: click.Parameter, path: Path | None
) -> Path | None:
    """As `check_page`, of a file of JSON."""
    if path is not None and path.suffix != ".json":
        raise click.BadParameter(f"a JSON file's name ends in .json. Received: {path}")
    return path


def json_option(what: str) -> Callable[..., Any]:
    """Adds ``--json FILE``, as ``json_file``, for what a command prints."""
    return click.option(
        "--json",
        "json_file",
        type=click.Path(path_type=Path, dir_okay=False),
        callback=check_json,
        help=f"Write the {what} to this file too, such as {what}.json.",
    )


def page_option(what: str) -> Callable[..., Any]:
    """Adds ``--page FILE`` for what a command prints."""
    return click.option(
        "--page",
        type=click.Path(path_type=Path, dir_okay=False),
        callback=check_page,
        help=f"Write the {what} as a page too.",
    )


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
    """Adds ``--beam`` and, behind ``--``, Beam's own options, both as ``beam``.

    It is ``None`` without ``--beam``; options without it are an error.
    """

    @functools.wraps(command)
    def gather(*args: Any, beam: bool, beam_options: tuple[str, ...], **others: Any) -> Any:
        if beam_options and not beam:
            raise click.UsageError(
                f"{' '.join(beam_options)}: options of Beam need --beam before --"
            )
        return command(*args, beam=beam_options if beam else None, **others)

    options = click.argument(
        "beam_options", nargs=-1, type=click.UNPROCESSED, metavar="[-- BEAM_OPTIONS]"
    )
    flag = click.option("--beam", is_flag=True, help="Work on Apache Beam; see docs/beam.md.")
    return flag(options(gather))
