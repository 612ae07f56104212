"""Arguments that several commands take."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

PATH = click.Path(path_type=Path)

RecipePath = click.argument("recipe", type=PATH)
RunPath = click.argument("run", type=PATH)
ShardsPath = click.argument("shards", type=PATH)
Checkpoints = click.argument("checkpoints", nargs=-1, required=True, type=PATH)
Target = click.option(
    "--target", required=True, type=PATH, help="The shards of the dataset that is to be learnt."
)
Seed = click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0))
Bootstrap = click.option(
    "--bootstrap", default=2000, show_default=True, type=click.IntRange(min=100)
)
PageEcgs = click.option(
    "--page-ecgs", default=12, show_default=True, type=click.IntRange(0, 200),
    help="ECGs that the page draws: the first that are answered.",
)  # fmt: skip


def refuse_given(names: Iterable[str], why: str) -> None:
    """Refuses options that were typed and would do nothing: ``--NAME why.``"""
    context = click.get_current_context()
    for name in names:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--{name.replace('_', '-')} {why}.")


def grouping_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds ``--by COLUMN``, which may be given several times, and ``--table FILE``."""
    by = click.option(
        "--by",
        multiple=True,
        metavar="COLUMN",
        help="Groups of test records beside the rest: sex, age, or a column of --table; with cuts, "
        "as age:40,65; with names where numbers are codes, as site:names. May be repeated.",
    )
    table = click.option(
        "--table",
        type=PATH,
        help="CSV or Parquet with the columns of --by, and record_id or patient_id.",
    )
    return by(table(command))


def file_option(name: str, ending: str, kind: str, text: str) -> Callable[..., Any]:
    """Adds an option for a file to write; it replaces what was there, so its kind must be right."""

    def check(context: click.Context, option: click.Parameter, path: Path | None) -> Path | None:
        if path is not None and path.suffix != ending:
            raise click.BadParameter(f"a {kind}'s name ends in {ending}. Received: {path}")
        return path

    into = name.removeprefix("--") if name != "--json" else "json_file"
    file = click.Path(path_type=Path, dir_okay=False)
    return click.option(name, into, type=file, callback=check, help=text)


def json_option(what: str) -> Callable[..., Any]:
    """Adds ``--json FILE``, as ``json_file``, for what a command prints."""
    text = f"Write the {what} to this file too, such as {what}.json."
    return file_option("--json", ".json", "JSON file", text)


def page_option(what: str) -> Callable[..., Any]:
    """Adds ``--page FILE`` for what a command prints."""
    return file_option("--page", ".html", "page", f"Write the {what} as a page too.")


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
    """Adds ``--beam`` and, behind ``--``, Beam's options, both as ``beam``, else ``None``."""

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
