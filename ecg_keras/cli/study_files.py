"""`ecg-keras study FOLDER`: the page of predictions made elsewhere, without a run of ours."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import click

from ecg_keras.errors import ConfigError


def study_files(folder: Path, overrides: Mapping[str, Any], *, dry_run: bool) -> None:
    """Writes the page of a folder of predictions and prints the answer.

    Args:
        folder: of the files; nothing is written into it.
        overrides: of `ecg_keras.config.FileStudy`.
        dry_run: list what the files are of, and stop.
    """
    from ecg_keras.config import load_file_study
    from ecg_keras.study import list_networks

    settings = load_file_study(folder, overrides)
    target = place_of_page(folder, settings.folder)
    if dry_run:
        click.echo(networks_table(list_networks(folder)))
        return
    from ecg_keras import report
    from ecg_keras.cli.console import progress_bar
    from ecg_keras.study import gather_files

    with progress_bar("score") as move:
        result = gather_files(folder, settings, on_progress=move)
    page = report.write_study(result, target)
    click.echo(result.table())
    click.echo()
    click.echo(f"report  {page}")


def place_of_page(folder: Path, given: Path | None) -> Path:
    """Where the page goes: ``runs/`` and the folder's name, or what is given.

    Raises:
        ConfigError: it lies among the files, or holds a study that was trained here.
    """
    target = given or Path("runs") / folder.resolve().name
    if target.resolve().is_relative_to(folder.resolve()):
        raise ConfigError(
            f"{target}: the page must lie outside {folder}, where only predictions are. Name "
            "another place with --set folder=FOLDER."
        )
    if (target / "runs").is_dir():
        raise ConfigError(
            f"{target}: holds the runs and the page of another study. Name another place with "
            "--set folder=FOLDER."
        )
    return target


def networks_table(networks: Collection[Any]) -> str:
    """The arms that files are of, with the seeds and folds of each."""
    from ecg_keras.text import text_table

    arms: dict[Any, list[Any]] = {}
    for one in networks:
        arms.setdefault(one.arm, []).append(one)
    rows = [
        [
            str(name),
            str(len({one.seed for one in own})),
            str(len({one.fold for one in own})),
            str(len(own)),
            str(sum(one.valid is not None for one in own)),
        ]
        for name, own in arms.items()
    ]
    return text_table(["", "seeds", "folds", "files", "with validation"], rows)
