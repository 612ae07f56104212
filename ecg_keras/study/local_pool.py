"""Processes of this machine that run the cells of a study: see `ecg_keras.study.worker`."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import IO

from ecg_keras.errors import DataError
from ecg_keras.study.cells import StudyPlan
from ecg_keras.study.pilot import command_of, count_cores, quiet
from ecg_keras.study.worker import MANY, READY, ProcessDied, pack
from ecg_keras.training import SHARED_BY

# times that a process may end before it begins
STARTS = 3
# signals from outside; others a process sends itself, as where a library aborts. Windows has no
# SIGKILL, which is 9 elsewhere
KILLS = (9, signal.SIGTERM)
# seconds that a process has to end when it is asked to
GRACE = 10.0


@contextmanager
def open_processes(plan: StudyPlan, workers: int, cells: int) -> Iterator[ProcessPool]:
    """A pool of local processes, which end with the block; each starts with its first cell.

    There are no more of them than cells.
    """
    packed = json.dumps(pack(plan.loaded))
    with (plan.folder / "workers.log").open("ab") as log:
        environments = _environments(workers, min(workers, cells))
        pool = ProcessPool([Worker(packed, one, log) for one in environments])
        try:
            yield pool
        finally:
            pool.stop()


class ProcessPool:
    """Keeps its workers busy, each with one cell at a time; the worker is the task."""

    def __init__(self, workers: Sequence[Worker]) -> None:
        self.room = len(workers)
        self._workers = workers

    def begin(self, name: str, check: bool) -> Worker:
        worker = next(one for one in self._workers if one.request is None)
        worker.begin({"cell": name, "check": check})
        return worker

    def wait(self, tasks: Sequence[Worker], seconds: float) -> Sequence[Worker]:
        readable, _, _ = select.select(tasks, [], [], seconds)
        return [worker for worker in readable if worker.has_ended()]

    def result(self, task: Worker, name: str) -> bool:
        return task.result()

    def stop(self) -> None:
        """Ends the processes, whatever they do."""
        for worker in self._workers:
            if worker.process is not None:
                worker.process.terminate()
        for worker in self._workers:
            worker.end()


class Worker:
    """A process that runs cells, and after some of them another in its place."""

    def __init__(self, packed: str, environment: Mapping[str, str], log: IO[bytes]) -> None:
        self.packed, self.environment, self.log = packed, environment, log
        self.process: subprocess.Popen[bytes] | None = None
        self.request: Mapping[str, object] | None = None
        self.answer = b""
        self.ran = self.starts = 0

    def fileno(self) -> int:
        """Of what the process answers, a byte at a time."""
        if self.process is None or self.process.stdout is None:
            raise ValueError("the process has ended")
        return self.process.stdout.fileno()

    def begin(self, request: Mapping[str, object]) -> None:
        """Hands the process a cell."""
        self.request = request
        if self.ran >= MANY:
            self.end()
        if self.process is None:
            self._start()
        else:
            self._write(json.dumps(request))
        self.ran += not request["check"]

    def has_ended(self) -> bool:
        """Whether the answer is the end of the cell, or of the process that ran it."""
        self.answer = os.read(self.fileno(), 1)
        if self.answer == READY:
            self.starts = 0
            return False
        if self.answer or not self.starts:
            return True
        code = self.end()
        if self.starts >= STARTS:
            raise DataError(
                f"{self.log.name}: the processes that run cells end before they begin (exit code "
                f"{code}). The end of this file says why."
            )
        self._start()
        return False

    def result(self) -> bool:
        """Whether the cell was free; raises `ProcessDied` where the process ended over it."""
        self.request = None
        if not self.answer:
            code = self.end() or 0
            killed = -code in KILLS  # else it printed what it ended with
            raise ProcessDied(f"exit code {code}", None if killed else str(self.log.name))
        return self.answer == b"1"

    def end(self) -> int | None:
        """Waits for the end of the process, which comes with that of its input; its exit code."""
        process, self.process, self.ran = self.process, None, 0
        if process is None:
            return None
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()
        try:
            return process.wait(GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def _start(self) -> None:
        self.starts += 1
        self.process = subprocess.Popen(
            command_of("ecg_keras.study.worker"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            bufsize=0,
            env={**os.environ, **self.environment},
            start_new_session=True,  # Ctrl-C is for the parent, which stops it
        )
        self._write(self.packed)
        self._write(json.dumps(self.request))

    def _write(self, line: str) -> None:
        """A line of input, which stays open: its end says that the parent is gone."""
        if self.process is not None and self.process.stdin is not None:
            with suppress(BrokenPipeError):  # it has ended, which is read next
                self.process.stdin.write(f"{line}\n".encode())


def _environments(workers: int, begun: int) -> Iterator[dict[str, str]]:
    """The environment of each worker that is begun: its part of the cores and memory, and its GPU.

    A last cell alone has one GPU, too: on several it would be trained otherwise than the others.
    """
    if workers == 1:
        yield quiet()
        return
    threads = str(max(1, count_cores() // begun))
    names = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
    gpus = _list_gpus()
    for number in range(begun):
        environment = {**quiet(), **dict.fromkeys(names, threads), SHARED_BY: str(workers)}
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
