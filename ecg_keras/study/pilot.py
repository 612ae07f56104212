"""The pilot: how long a study's networks take on this machine, measured once and kept."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ecg_keras.config import Recipe
from ecg_keras.data import stored_leads, stored_length
from ecg_keras.errors import DataError
from ecg_keras.json_files import as_list, as_number, parse_as, read_json, write_json

# in which a pilot begins what takes long
SECONDS = 60.0
FORMAT = 1


@dataclass(frozen=True)
class Workload:
    """What decides how long a training takes, but for the number of its steps.

    ``num_samples`` is the length of a whole ECG, ``step_samples`` of what a training step sees.
    """

    backbone: str
    head: str
    num_samples: int
    num_leads: int
    precision: str
    deterministic: bool
    step_samples: int
    batch_size: int
    train_from: str

    @property
    def network(self) -> tuple[Any, ...]:
        """What workloads of one network have in common."""
        return astuple(self)[:6]


@dataclass(frozen=True)
class Timing:
    """Seconds of the pieces of a training."""

    step: float  # of the optimizer
    trace: float  # until the first step begins, once in each phase
    predict: float  # of one whole ECG
    predict_begin: float  # of what begins and ends the prediction of a split, in each epoch
    predict_trace: float  # until the first prediction begins
    build: float  # of a new network
    save: float  # of a checkpoint
    between: float  # the least from one checkpoint to the next; each phase ends with one
    parameters: int  # all numbers of the network
    measured: bool  # whether training steps were timed; else they are judged by the predictions


@dataclass(frozen=True)
class Pilot:
    """What was measured on one machine.

    ``scoring`` is the seconds of each test record, label and patient resample; ``load`` how many
    processes wanted a core already, the mean of a minute; ``errors`` say what could not be timed.
    """

    scoring: float
    timings: Mapping[Workload, Timing]
    load: float = 0.0
    errors: Mapping[Workload, str] = field(default_factory=dict)


def workloads_of(recipe: Recipe) -> tuple[Workload, ...]:
    """What a run's training steps are like, phase by phase."""
    settings, samples = recipe.training, stored_length(recipe.data)
    crop = settings.augment.crop
    return tuple(
        Workload(
            backbone=recipe.model.backbone,
            head=recipe.model.head,
            num_samples=samples,
            num_leads=len(stored_leads(recipe.data)),
            precision=settings.precision,
            deterministic=settings.deterministic,
            step_samples=samples if crop is None else round(crop * recipe.data.sampling_rate),
            batch_size=settings.batch_size,
            train_from=phase.train_from,
        )
        for phase in settings.phases
    )


def run_pilot(
    workloads: Sequence[Workload],
    path: Path,
    *,
    seconds: float = SECONDS,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Pilot:
    """Times what an earlier pilot on this machine did not.

    Args:
        workloads: to time, from `workloads_of`.
        path: of the file that keeps what is measured, where it can be written.
        seconds: in which to begin what takes long. The rest is judged by its predictions, and
            measured by the next pilot.
        on_progress: called with how many workloads are timed, and how many there are.

    Raises:
        DataError: the process that measures can't begin.
    """
    machine = describe_machine()
    kept = _read(path, machine)
    missing = [
        one for one in workloads if one not in kept.timings or not kept.timings[one].measured
    ]
    if not missing:
        return kept
    done = len(workloads) - len(missing)
    on_progress(done, len(workloads))
    scoring, timings, errors = kept.scoring, dict(kept.timings), {}
    load = max(kept.load, load_average())
    for answer in _measure(missing, seconds):
        if "scoring" in answer:
            scoring = answer["scoring"]
            continue
        one = missing[answer["number"]]
        if "timing" in answer:
            timings[one] = Timing(**answer["timing"])
        else:
            errors[one] = answer["error"]
        done += 1
        on_progress(done, len(workloads))
    for one in missing:
        if one not in timings and one not in errors:
            errors[one] = "the process that measures it was ended, perhaps for want of memory"
    content = [{"workload": asdict(one), "timing": asdict(timings[one])} for one in timings]
    measured = {"scoring": scoring, "load": load, "timings": content}
    with contextlib.suppress(OSError):  # of another user's folder it is measured again
        write_json(path, {"format": FORMAT, "machine": machine, **measured})
    return Pilot(scoring, timings, load, errors)


def describe_machine() -> dict[str, Any]:
    """What decides how fast a network trains; a pilot counts where all of it is the same."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.is_file() else []
    models = _values(lines, "model name")
    return {
        "cpu": models[0] if models else platform.processor() or platform.machine(),
        "cores": count_cores(),
        "gpus": [
            model
            for path in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
            for model in _values(path.read_text(encoding="utf-8").splitlines(), "Model")
        ],
        "visible_gpus": os.environ.get("CUDA_VISIBLE_DEVICES"),
        "tensorflow": version("tensorflow"),
        "keras": version("keras"),
    }


def _values(lines: Sequence[str], key: str) -> list[str]:
    pairs = (line.partition(":") for line in lines)
    return [value.strip() for name, _, value in pairs if name.strip() == key]


def command_of(module: str) -> list[str]:
    """Runs a module's `main` in a Python with our search path, which finds what we find.

    It is given what was standard output, between whose answers nothing else may then write.
    """
    code = (
        "import os, sys, warnings; answers = os.dup(1); os.dup2(2, 1); "
        "warnings.filterwarnings('ignore', category=FutureWarning, module='google'); "
        f"sys.path[:] = {sys.path!r}; from {module} import main; main(answers)"
    )
    return [sys.executable, "-c", code]


def quiet() -> dict[str, str]:
    """The environment in which TensorFlow reports errors alone, unless the user wants more."""
    return {"TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "3")}


def load_average() -> float:
    """Processes that want to run, over a minute; 0 on Windows, which does not say."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def count_cores() -> int:
    """Those that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _read(path: Path, machine: Mapping[str, Any]) -> Pilot:
    """The pilot that is kept; an empty one where there is none, or one of another machine."""
    try:
        return read_json(path, "pilots", lambda kept: _parse(kept, machine))
    except DataError:  # it is measured again
        return Pilot(0.0, {})


def _parse(kept: dict[str, Any], machine: Mapping[str, Any]) -> Pilot:
    if kept["format"] != FORMAT or kept["machine"] != machine:
        return Pilot(0.0, {})
    timings = {
        parse_as(Workload, one["workload"]): parse_as(Timing, one["timing"])
        for one in as_list(kept["timings"])
    }
    return Pilot(as_number(kept["scoring"]), timings, as_number(kept["load"]))


def _measure(workloads: Sequence[Workload], seconds: float) -> Iterator[dict[str, Any]]:
    """What a process of its own measures, as it comes."""
    request = json.dumps({"workloads": [asdict(one) for one in workloads], "seconds": seconds})
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log,
        subprocess.Popen(
            command_of("ecg_keras.study.measuring"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, **quiet()},
        ) as process,
    ):
        answered = False
        try:
            if process.stdin is None or process.stdout is None:
                return
            with contextlib.suppress(BrokenPipeError):  # it has ended: its log says why
                process.stdin.write(request)
                process.stdin.close()
            for line in process.stdout:
                answered = True
                yield json.loads(line)
        finally:
            process.kill()  # nothing where it is over
        if not answered:
            log.seek(0)
            last = (log.read().strip().splitlines() or ["it left no message"])[-1]
            raise DataError(f"the pilot can't begin: {last}")
