"""`ecg-keras download`: published databases, fetched and verified."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ecg_keras.cli.saying import safe, say
from ecg_keras.text import file_size, plural

if TYPE_CHECKING:
    from ecg_keras.download import DownloadPlan, DownloadProgress, DownloadResult

# failures that are listed one by one
SHOWN = 10
# seconds between two lines where there is no terminal, and between two about waiting anywhere
INTERVAL, PAUSE = 30.0, 5.0


@click.command()
@click.argument("name", required=False)
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--list", "listing", is_flag=True, help="List what can be downloaded.")
@click.option("--only", multiple=True, metavar="PART", help="Fetch a part of it. May be repeated.")
@click.option(
    "--jobs",
    default=4,
    show_default=True,
    type=click.IntRange(1, 16),
    help="How many files to fetch at once.",
)
@click.option(
    "--mirror",
    metavar="URL",
    envvar="ECG_KERAS_MIRROR",
    help="Fetch from a copy with the publisher's paths, also set by ECG_KERAS_MIRROR.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be fetched, and write nothing.")
def download(
    name: str | None,
    folder: Path | None,
    listing: bool,
    only: tuple[str, ...],
    jobs: int,
    mirror: str | None,
    dry_run: bool,
) -> None:
    """Fetch the database of the source NAME into FOLDER, or what is missing there.

    Every file is compared with the publisher's checksum. A download that was stopped resumes.
    Exit code 1 where anything is missing at the end.
    """
    if listing:
        say(_table())
        return
    if name is None or folder is None:
        raise click.UsageError("name a database and a folder, or give --list")
    from ecg_keras.download import fetch, plan_download

    plan = plan_download(
        name,
        folder,
        only=only,
        mirror=mirror,
        on_wait=lambda reason: say(reason, err=True),
    )
    say(_describe(plan), err=not dry_run)
    if dry_run:
        return
    with _progress(plan) as show:
        result = fetch(plan, jobs=jobs, on_progress=show)
    say(_sum_up(plan, result))
    if not result.is_complete:
        raise SystemExit(1)


def _table() -> str:
    from ecg_keras.download import CATALOGUE, list_unpublished
    from ecg_keras.sources import find_source

    lines = []
    for name, one in CATALOGUE.items():
        parts = one.chosen()
        files = sum(part.count for part in parts)
        size = file_size(sum(part.size for part in parts))
        licence = find_source(name).LICENCE
        lines.append(f"{name:16} {size:>8} {files:>8,} files  {one.title}  [{licence}]")
        if one.parts:
            lines.append(f"{'':16} parts: {_few(list(one.parts))}")
    lines += [f"{name:16} not published: {why}" for name, why in list_unpublished().items()]
    return "\n".join(lines)


def _describe(plan: DownloadPlan) -> str:
    from ecg_keras.sources import find_source

    source = find_source(plan.name)
    known = len(plan.files) - len(plan.missing)
    about = "" if plan.is_exact else "about "
    rows = {
        "database": plan.published.title,
        "page": plan.published.page,
        "licence": source.LICENCE,
        "please cite": source.CITATION,
        "from": plan.origin,
        "to": str(plan.root),
        "there": f"{known:,} of {plural(len(plan.files), 'file')}, verified",
        "to fetch": f"{plural(len(plan.missing), 'file')}, {about}{file_size(plan.size)}",
    }
    return "\n".join(f"{key:12} {value}" for key, value in rows.items())


def _sum_up(plan: DownloadPlan, result: DownloadResult) -> str:
    lines = [f"{path}: {why}" for path, why in result.failed[:SHOWN]]
    if len(result.failed) > SHOWN:
        lines.append(f"... and {len(result.failed) - SHOWN:,} more that failed")
    if result.untried:
        lines.append(
            f"not tried, because too many in a row failed: {plural(result.untried, 'file')}"
        )
    lost = len(result.failed) + result.untried
    lines.append(
        f"{plan.name}: {result.files - lost:,} of {plural(result.files, 'file')} there and "
        f"verified; fetched now: {result.fetched:,} ({file_size(result.received)})"
    )
    if result.is_complete:
        lines.append(f"recipe       data: {{source: {plan.name}, raw: {plan.root}}}")
    else:
        lines.append("Fix what is named above; the same command fetches what is missing.")
    return "\n".join(lines)


@contextmanager
def _progress(plan: DownloadPlan) -> Iterator[Callable[[DownloadProgress], None]]:
    """A bar of bytes with the speed and the time left; elsewhere a line now and then."""
    import time

    from rich.console import Console
    from rich.progress import DownloadColumn, TransferSpeedColumn

    from ecg_keras.cli.progress import make_progress

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    bars = make_progress(console, DownloadColumn(), TransferSpeedColumn())
    shown, noted = time.monotonic(), 0.0

    def show(now: DownloadProgress) -> None:
        nonlocal shown, noted
        files, clock = f"{now.done:,}/{now.files:,}", time.monotonic()
        bars.update(task, completed=now.bytes_done, total=now.bytes_total, note=f"{files} files")
        if now.note and clock - noted >= PAUSE:
            noted = clock
            console.print(safe(now.note))
        if not console.is_terminal and clock - shown >= INTERVAL:
            shown = clock
            console.print(f"{plan.name}: {files} files, {file_size(now.bytes_done)}", markup=False)

    with bars:
        task = bars.add_task(plan.name, total=None, note="")
        yield show


def _few(names: list[str]) -> str:
    return ", ".join(names if len(names) <= 8 else [*names[:2], "...", names[-1]])
