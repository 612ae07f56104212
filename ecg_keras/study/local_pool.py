"""Processes of this machine that run the cells of a study: see `ecg_keras.study.worker`."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from typing import IO

from ecg_keras.errors import DataError
from ecg_keras.study.cells import StudyPlan
from ecg_keras.study.pilot import count_cores
from ecg_keras.study.worker import MANY, ProcessDied, pack

# times that a process may end before it begins
STARTS = 3
# seconds that a process has to end when it is asked to
GRACE = 10.0


@contextmanager
def open_processes(plan: StudyPlan, workers: int) -> Iterator[ProcessPool]:
    """A pool of local processes, which end with the block; each starts with its first cell."""
    with (plan.folder / "workers.log").open("ab") as log:
        pool = ProcessPool(plan, list(_environments(workers)), log)
        try:
            yield pool
        finally:
            pool.stop()


class ProcessPool:
    """Keeps its processes busy with cells, each with one at a time."""

    def __init__(
        self, plan: StudyPlan, environments: Sequence[Mapping[str, str]], log: IO[bytes]
    ) -> None:
        packed = json.dumps(pack(plan.loaded))
        self._workers = [_Process(packed, one, log) for one in environments]
        self._idle: queue.SimpleQueue[_Process] = queue.SimpleQueue()
        for worker in self._workers:
            self._idle.put(worker)
        self._threads = ThreadPoolExecutor(len(self._workers))

    @property
    def room(self) -> int:
        """One for each process, and one more that it takes up next."""
        return 2 * len(self._workers)

    def begin(self, name: str, check: bool) -> Future[bool]:
        return self._threads.submit(self._attempt, name, check)

    def wait(self, tasks: Sequence[Future[bool]], seconds: float) -> Sequence[Future[bool]]:
        ended = wait(tasks, seconds, FIRST_COMPLETED).done
        return [task for task in tasks if task in ended]

    def result(self, task: Future[bool], name: str) -> bool:
        return task.result()

    def stop(self) -> None:
        """Ends the processes, whatever they do."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for worker in self._workers:
            worker.terminate()
        for worker in self._workers:
            worker.end()
        self._threads.shutdown()

    def _attempt(self, name: str, check: bool) -> bool:
        worker = self._idle.get()
        try:
            return worker.attempt(name, check)
        finally:
            self._idle.put(worker)


class _Process:
    """A process that runs cells, and after some of them another in its place."""

    def __init__(self, packed: str, environment: Mapping[str, str], log: IO[bytes]) -> None:
        self.packed, self.environment, self.log = packed, environment, log
        self.process: subprocess.Popen[str] | None = None
        self.ran = 0
        self.stopped = False
        self.lock = threading.Lock()

    def attempt(self, name: str, check: bool) -> bool:
        """Whether the cell was free; raises `ProcessDied` where the process ends over it."""
        if self.ran >= MANY:
            self.end()
        if self.process is None:
            self._start()
        self.ran += not check
        return self._ask({"cell": name, "check": check})

    def terminate(self) -> None:
        """Asks the process to end, and lets none start."""
        with self.lock:
            self.stopped = True
            if self.process is not None:
                self.process.terminate()

    def end(self) -> None:
        """Waits for the end of the process, which comes with that of its input."""
        process, self.process = self.process, None
        if process is None:
            return
        with suppress(BrokenPipeError):
            if process.stdin is not None:
                process.stdin.close()
        try:
            process.wait(GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()

    def _start(self) -> None:
        for _ in range(STARTS):
            # the same search path, so that it finds what the parent finds and nothing else
            code = (
                f"import sys; sys.path[:] = {sys.path!r}; "
                "from ecg_keras.study.worker import main; main()"
            )
            with self.lock:
                if self.stopped:
                    raise ProcessDied("the study was stopped")
                self.process = subprocess.Popen(
                    [sys.executable, "-c", code],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=self.log,
                    text=True,
                    env={**os.environ, **self.environment},
                    start_new_session=True,  # Ctrl-C is for the parent, which stops it
                )
            self.ran = 0
            try:
                self._ask(json.loads(self.packed))
                return
            except ProcessDied as error:
                death = error
        raise DataError(
            f"{self.log.name}: the processes that run cells end before they begin ({death}). The "
            "end of this file says why."
        )

    def _ask(self, request: Mapping[str, object]) -> bool:
        """What the process answers; its input stays open: its end says that the parent is gone."""
        process = self.process
        if process is None or process.stdin is None or process.stdout is None:
            raise ProcessDied("the study was stopped")
        answer = ""
        with suppress(BrokenPipeError, ValueError):  # it has ended, or is being ended
            process.stdin.write(f"{json.dumps(request)}\n")
            process.stdin.flush()
            answer = process.stdout.readline()
        if not answer:
            self.end()
            raise ProcessDied(f"exit code {process.returncode}")
        return bool(json.loads(answer))


def _environments(workers: int) -> Iterator[dict[str, str]]:
    """The environment of each worker: its part of the cores and GPUs."""
    quiet = {"TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "3")}
    if workers == 1:
        yield quiet
        return
    threads = str(max(1, count_cores() // workers))
    names = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
    gpus = _list_gpus()
    for number in range(workers):
        environment = {**quiet, **dict.fromkeys(names, threads)}
        if gpus:
            environment["CUDA_VISIBLE_DEVICES"] = gpus[number % len(gpus)]
            environment["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"
        yield environment


def _list_gpus() -> list[str]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    import tensorflow as tf

    found = len(tf.config.list_physical_devices("GPU"))
    named = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    return named[:found] if named else [str(number) for number in range(found)]
