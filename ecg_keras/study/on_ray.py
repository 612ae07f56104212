"""The cells of a study as tasks of a Ray cluster whose machines share the study's folder."""

from __future__ import annotations

import math
import os
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ecg_keras.errors import ConfigError, DataError
from ecg_keras.study.cells import Cell, StudyPlan
from ecg_keras.study.checking import list_unchecked, refuse_leaks
from ecg_keras.study.running import DEATHS, PAUSE, Tick, died
from ecg_keras.study.state import OVER, is_done, snapshot, write_failure
from ecg_keras.study.worker import MANY, attempt, pack, unpack


def run_on_ray(
    plan: StudyPlan,
    cells: Sequence[Cell],
    address: str,
    *,
    gpus: float,
    cpus: float,
    tick: Tick,
) -> None:
    """Runs cells as Ray tasks until each is done or failed, here or elsewhere, or can't run.

    All data are prepared and searched for leaks first, each cell's in a task of its own.

    Args:
        plan: of the whole study.
        cells: which of them to run.
        address: of the cluster, as ``ray.init`` takes it; ``"local"`` starts one here.
        gpus, cpus: what each task asks for; parts of a GPU are allowed.
        tick: hears about once a second how far the study is.

    Raises:
        ConfigError: Ray is not installed, or there is no cluster at the address.
        DataError: runs would be tested on records that they know, or the cluster's machines don't
            see the folder that the study is run from.
    """
    try:
        import ray
    except ImportError as error:
        raise ConfigError(
            "--ray needs Ray, which is not installed: pip install 'ecg_keras[cluster]'."
        ) from error
    if address == "local":
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing leaves this machine
    threads = str(max(1, math.ceil(cpus)))
    environment = {
        "TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "3"),
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "TF_NUM_INTRAOP_THREADS": threads,
        "TF_NUM_INTEROP_THREADS": threads,
    }
    try:
        ray.init(
            address=address,
            log_to_driver=False,
            logging_level="error",
            runtime_env={"env_vars": environment},
        )
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise ConfigError(
            f"--ray {address}: there is no Ray cluster: {error}. Give the address of one, auto, or "
            "local to start one here."
        ) from error
    try:
        _run(ray, plan, cells, {"num_gpus": gpus, "num_cpus": cpus}, tick)
    finally:
        ray.shutdown()


def _run(
    ray: Any, plan: StudyPlan, cells: Sequence[Cell], asked: dict[str, float], tick: Tick
) -> None:
    # a task that is lost with its machine is asked for again below, where deaths are counted
    task = ray.remote(max_retries=0, max_calls=MANY, **asked)(_attempt)
    packed, deaths = ray.put(pack(plan.loaded)), Counter[str]()
    pending: dict[Any, Cell] = {}
    tried: set[str] = set()
    check = True
    while True:
        begun = time.perf_counter()
        now = snapshot(plan)
        tick(now)
        pause = max(PAUSE, 4 * (time.perf_counter() - begun))
        unchecked = list_unchecked(cells, now.states, tried) if check else []
        if check and not unchecked and not pending:
            refuse_leaks(plan, cells)
            check = False
        if check:
            ready = [cell for cell in unchecked if now.states[cell.name] == "waiting"]
        else:
            ready = [cell for cell in cells if now.is_ready(cell)]
        asked_for = {cell.name for cell in pending.values()}
        for cell in ready:
            if cell.name not in asked_for:
                pending[task.remote(packed, cell.name, str(Path.cwd()), check)] = cell
        if all(now.states[cell.name] in OVER for cell in cells):
            return
        ended, _ = ray.wait(list(pending), timeout=pause)
        for reference in ended:
            cell = pending.pop(reference)
            try:
                if ray.get(reference) and check:
                    tried.add(cell.name)
            except ray.exceptions.RayTaskError as error:
                raise DataError(f"{cell.name}: {error.cause}") from error
            except ray.exceptions.RayError as error:
                deaths[cell.name] += 1
                if deaths[cell.name] >= DEATHS and not is_done(cell):
                    write_failure(cell.run, died(deaths[cell.name], type(error).__name__))


def _attempt(packed: dict[str, Any], name: str, folder: str, check: bool) -> bool:
    """The task: the study's folder is named from where the command was typed."""
    try:
        os.chdir(folder)
    except OSError as error:
        raise DataError(
            f"{folder}: this machine of the cluster does not see the folder that the study is run "
            f"from: {error.strerror}. All of them must share it."
        ) from error
    plan = unpack(packed)
    return attempt(plan.by_name[name], plan.loaded.path, check=check)
