"""The cells of a study as tasks of a Ray cluster whose machines share the study's folder."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ecg_keras.errors import ConfigError, DataError
from ecg_keras.study.cells import StudyPlan
from ecg_keras.study.pilot import quiet
from ecg_keras.study.worker import MANY, ProcessDied, attempt, pack, unpack


@contextmanager
def open_ray(plan: StudyPlan, address: str, *, gpus: float, cpus: float) -> Iterator[RayPool]:
    """A pool of Ray tasks; ``address`` is as ``ray.init`` takes it, ``"local"`` starts one here.

    Raises a `ConfigError` where Ray is not installed, or there is no cluster at the address.
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
        **quiet(),
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "TF_NUM_INTRAOP_THREADS": threads,
        "TF_NUM_INTEROP_THREADS": threads,
    }
    try:
        ray.init(
            address=address,
            log_to_driver=False,
            logging_level="error",  # type: ignore[arg-type]  # it takes names, too
            runtime_env={"env_vars": environment},
        )
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise ConfigError(
            f"--ray {address}: there is no Ray cluster: {error}. Give the address of one, auto, or "
            "local to start one here."
        ) from error
    try:
        yield RayPool(ray, plan, gpus=gpus, cpus=cpus)
    finally:
        ray.shutdown()


class RayPool:
    """Runs each cell as a task; the cluster decides how many at a time."""

    room = math.inf

    def __init__(self, ray: Any, plan: StudyPlan, *, gpus: float, cpus: float) -> None:
        self.ray = ray
        # a task that is lost with its machine is begun again by who counts deaths
        options = {"max_retries": 0, "max_calls": MANY, "num_gpus": gpus, "num_cpus": cpus}
        self._task = ray.remote(**options)(_attempt)
        self._packed = ray.put(pack(plan.loaded))

    def begin(self, name: str, check: bool) -> Any:
        return self._task.remote(self._packed, name, str(Path.cwd()), check)

    def wait(self, tasks: Sequence[Any], seconds: float) -> Sequence[Any]:
        ended, _ = self.ray.wait(tasks, timeout=seconds)
        return list(ended)

    def result(self, task: Any, name: str) -> bool:
        try:
            return bool(self.ray.get(task))
        except self.ray.exceptions.RayTaskError as error:
            raise DataError(f"{name}: {error.cause}") from error
        except self.ray.exceptions.RayError as error:
            raise ProcessDied(type(error).__name__) from error


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
