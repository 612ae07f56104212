"""A published database, fetched into a folder, or what is missing of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ecg_keras.download.parallel import Download, DownloadResult, OnProgress
from ecg_keras.download.planning import DownloadPlan, list_key, plan_download
from ecg_keras.download.receiving import Patience
from ecg_keras.download.staging import Stage
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.text import file_size

MOST_JOBS = 16


def download_database(
    name: str,
    root: Path | str,
    *,
    only: Sequence[str] = (),
    mirror: str | None = None,
    jobs: int = 4,
    on_progress: OnProgress = lambda progress: None,
) -> DownloadResult:
    """Fetches a published database, or what is missing of it.

    Args:
        name: of a source.
        root: the folder that shall hold it, which is what ``data.raw`` then names.
        only: names of parts of it; none means all.
        mirror: the URL of a copy, with the same paths below it as the publisher's own.
        jobs: files that are fetched at once, 1 to 16.
        on_progress: called some times a second.

    Returns:
        What was done. It is complete, or names what failed; the same call goes on.

    Raises:
        ConfigError: the source isn't published or has no such part, or a setting is wrong.
        DataError: the list can't be had or can't be right, there is no room, or another download
            writes to the folder.
        OSError: the folder can't be written.

    Example:
        >>> result = download_database("ludb", "data/raw/ludb")
    """
    return fetch(
        plan_download(name, root, only=only, mirror=mirror), jobs=jobs, on_progress=on_progress
    )


def fetch(
    plan: DownloadPlan,
    *,
    jobs: int = 4,
    patience: Patience | None = None,
    on_progress: OnProgress = lambda progress: None,
) -> DownloadResult:
    """Does what a plan says.

    Args:
        plan: from `plan_download`.
        jobs, on_progress: as for `download_database`.
        patience: with the server.

    Raises:
        ConfigError, DataError, OSError: as `download_database`.
    """
    if not 1 <= jobs <= MOST_JOBS:
        raise ConfigError(f"jobs must be from 1 to {MOST_JOBS}. Received: {jobs}.")
    stage = Stage(plan.root)
    if not plan.missing and not stage.is_marked():
        return DownloadResult(len(plan.files), 0, 0, ())
    need = plan.disk(jobs) - sum(stage.held_bytes(file) for file in plan.missing)
    if need > (free := stage.free_bytes()):
        raise DataError(
            f"{plan.root}: {file_size(need)} are needed and {file_size(free)} are free. Make "
            "room, choose another folder, or fetch a part of it with --only. Nothing was fetched."
        )
    with stage.open(plan.command):
        stage.keep_list(list_key(plan.published, plan.only, plan.mirror), plan.files)
        result = Download(plan, stage, patience or Patience()).run(jobs, on_progress)
        if result.is_complete:
            stage.finish()
        else:
            stage.forget_list()
    return result
