"""`run_study`: local processes or Ray tasks that run the cells of a study, and who watches them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO

from ecg_keras import data
from ecg_keras.config import run_changes, run_settings
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.study.cells import Cell, StudyPlan
from ecg_keras.study.checking import refuse_leaks
from ecg_keras.study.claims import held_by
from ecg_keras.study.state import (
    OVER,
    Snapshot,
    forget_failure,
    is_done,
    snapshot,
    write_failure,
)
from ecg_keras.study.worker import REFUSED, RENEW, pack, share
from ecg_keras.workflow import known_dataset

# a cell that ended so many processes is recorded as failed
DEATHS = 2
# seconds between looks at the study, and those a worker has to end when it is asked to
PAUSE, GRACE = 1.0, 10.0

Tick = Callable[[Snapshot], None]


def run_study(
    plan: StudyPlan,
    *,
    workers: int = 1,
    shard: tuple[int, int] | None = None,
    ray: str | None = None,
    gpus_per_cell: float = 0.0,
    cpus_per_cell: float = 1.0,
    on_tick: Tick | None = None,
) -> Snapshot:
    """Runs what is left of a study; finished cells are kept, failed ones are tried again.

    All data are prepared and searched for leaks first, and nothing is trained where a run would
    know what it is tested on. Each cell becomes an ordinary run folder. One that fails leaves
    ``failed.json`` in it and does not stop the others. No two processes run the same cell, in this
    call or another, here or on another machine that shares the folder.

    Args:
        plan: of `list_cells`.
        workers: processes on this machine, which share its cores and GPUs.
        shard: ``(i, n)``, with i from 1 to n: run every n-th cell, and the pre-trainings they need.
        ray: address of a Ray cluster, or ``"local"``, instead of local processes.
        gpus_per_cell, cpus_per_cell: what each cell asks of Ray.
        on_tick: hears about once a second how far the study is.

    Returns:
        How far the study is when nothing of this shard is left to run.

    Raises:
        ConfigError: finished or begun runs were made with other settings or recordings, a shard or
            number of workers is out of range, or Ray is not installed.
        DataError: runs would be tested on records that they know; or processes end before they run
            a cell.

    Example:
        >>> plan = list_cells(load_study("recipes/studies/quick.yaml"))
        >>> run_study(plan, workers=2).counts["failed"]
        0
    """
    if workers < 1:
        raise ConfigError(f"workers must be at least 1. Received: {workers}.")
    if shard is not None and not 1 <= shard[0] <= shard[1]:
        raise ConfigError(f"a shard is i/n with i from 1 to n. Received: {shard[0]}/{shard[1]}.")
    cells = share(plan, shard)
    check_unchanged(plan, cells)
    plan.folder.mkdir(parents=True, exist_ok=True)
    for cell in cells:
        forget_failure(cell.run)
    tick = on_tick or (lambda now: None)
    left = _count_left(plan, cells)
    with _stopping():
        if left and ray is None:
            _run_here(plan, cells, shard, min(workers, left), tick)
        elif left:
            from ecg_keras.study.on_ray import run_on_ray

            run_on_ray(plan, cells, ray, gpus=gpus_per_cell, cpus=cpus_per_cell, tick=tick)
    last = snapshot(plan)
    tick(last)
    return last


def check_unchanged(plan: StudyPlan, cells: Sequence[Cell]) -> None:
    """Refuses runs in the study's folder that were made otherwise than the study now says.

    Raises:
        ConfigError: with what differs in the first of them.
    """
    changed = [(cell, what) for cell in cells for what in [_changes(cell)] if what]
    datasets: dict[str, tuple[Path, str]] = {}
    for cell in cells:
        raw = cell.recipe.data.raw
        if raw.is_dir() and is_done(cell):
            key = f"{raw} {json.dumps(run_settings(cell.recipe)['data'], sort_keys=True)}"
            if key not in datasets:
                datasets[key] = data.find_shards(cell.recipe.data)
            known = known_dataset(cell.run, cell.recipe.data, *datasets[key])
            if cell.run.read_status().get("dataset") != known:
                changed.append((cell, [f"the recordings in {raw}"]))
    if changed:
        cell, what = changed[0]
        more = f"; and {len(what) - 6} more" if len(what) > 6 else ""
        raise ConfigError(
            f"{plan.loaded.path}: {len(changed)} of {len(cells)} runs in {plan.folder / 'runs'} "
            f"were made with other settings. {cell.name}: {'; '.join(what[:6])}{more}. Give the "
            "study another folder with --set folder=FOLDER, or remove these runs to train them "
            "again."
        )


def _changes(cell: Cell) -> list[str]:
    try:
        status = cell.run.read_status()
    except DataError:
        return []  # the cell fails with what is damaged
    if not cell.run.holds_epochs():
        return []
    return run_changes(status.get("settings", {}), cell.recipe)


def _run_here(
    plan: StudyPlan,
    cells: Sequence[Cell],
    shard: tuple[int, int] | None,
    workers: int,
    tick: Tick,
) -> None:
    """Keeps so many processes busy until each of them finds nothing left to do."""
    request = json.dumps({"study": pack(plan.loaded), "shard": shard})
    environments = list(_environments(workers))
    deaths: Counter[str] = Counter()
    refused = False
    with (plan.folder / "workers.log").open("ab") as log:
        running = [(_start(request, one, log), one) for one in environments]
        try:
            while running:
                begun = time.perf_counter()
                tick(snapshot(plan))
                # a large study on a slow disk is not looked at all the time
                time.sleep(max(PAUSE, 4 * (time.perf_counter() - begun)))
                for process, environment in list(running):
                    if process.poll() is None:
                        continue
                    running.remove((process, environment))
                    _close(process)
                    if process.returncode == REFUSED:
                        refused = True  # and so do all others
                        continue
                    if process.returncode not in (0, RENEW):
                        _record_death(process, cells, deaths, log.name)
                    if process.returncode and _count_left(plan, cells):
                        running.append((_start(request, environment, log), environment))
        finally:
            _stop([process for process, _ in running])
    if refused:
        refuse_leaks(plan, cells)


def _count_left(plan: StudyPlan, cells: Sequence[Cell]) -> int:
    states = snapshot(plan).states
    return sum(states[cell.name] not in OVER for cell in cells)


def _start(request: str, environment: Mapping[str, str], log: IO[bytes]) -> subprocess.Popen[str]:
    # the same search path, so that it finds what the parent finds and nothing else
    code = (
        f"import sys; sys.path[:] = {sys.path!r}; from ecg_keras.study.worker import main; main()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=log,
        text=True,
        env={**os.environ, **environment},
        start_new_session=True,  # Ctrl-C is for the parent, which stops it
    )
    if process.stdin is not None:
        process.stdin.write(f"{request}\n")
        process.stdin.flush()  # and stays open: its end tells that the parent is gone
    return process


def _environments(workers: int) -> Iterator[dict[str, str]]:
    """The environment of each worker: its part of the cores and GPUs."""
    quiet = {"TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "3")}
    if workers == 1:
        yield quiet
        return
    threads = str(max(1, _count_cores() // workers))
    names = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
    gpus = _list_gpus()
    for number in range(workers):
        environment = {**quiet, **dict.fromkeys(names, threads)}
        if gpus:
            environment["CUDA_VISIBLE_DEVICES"] = gpus[number % len(gpus)]
            environment["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"
        yield environment


def _count_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _list_gpus() -> list[str]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    import tensorflow as tf

    found = len(tf.config.list_physical_devices("GPU"))
    named = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    return named[:found] if named else [str(number) for number in range(found)]


def _record_death(
    process: subprocess.Popen[str], cells: Sequence[Cell], deaths: Counter[str], log: str
) -> None:
    """Finds what a process ran when it died; a cell that was fatal twice has failed."""
    held = [(begun, cell) for cell in cells if (begun := held_by(cell.run, process.pid))]
    if not held:
        deaths[""] += 1
        if deaths[""] > DEATHS:
            raise DataError(
                f"{log}: the processes that run cells end before they begin (exit code "
                f"{process.returncode}). The end of this file says why."
            )
        return
    _, cell = max(held, key=lambda pair: pair[0])
    deaths[cell.name] += 1
    if deaths[cell.name] >= DEATHS and not is_done(cell):
        write_failure(cell.run, died(deaths[cell.name], f"exit code {process.returncode}"))


def died(times: int, how: str) -> DataError:
    """What to tell of a cell whose process was killed again and again."""
    return DataError(
        f"the process that ran it was killed {times} times ({how}), perhaps for want of memory. "
        "Use fewer workers or a smaller training.batch_size, and run the same command again."
    )


def _stop(processes: Sequence[subprocess.Popen[str]]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        _close(process)


def _close(process: subprocess.Popen[str]) -> None:
    if process.stdin is not None:
        process.stdin.close()


@contextmanager
def _stopping() -> Iterator[None]:
    """Lets a request to end, such as a cluster's, stop the study as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
