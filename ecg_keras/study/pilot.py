"""The pilot: what a study's networks take on this machine, measured once and kept."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ecg_keras.errors import DataError
from ecg_keras.files import as_count, as_list, as_number, read_json, write_json
from ecg_keras.study.workloads import Timing, Workload

# in which a pilot begins what takes long
SECONDS = 60.0
FORMAT = 1


@dataclass(frozen=True)
class Pilot:
    """What was measured on one machine.

    Attributes:
        scoring: seconds for each test record, label and patient resample.
        timings: of each workload that could be run.
        load: processes that wanted a core of this machine already when it was measured, the mean
            of a minute; the largest where it was measured more than once.
        errors: why the others could not, in one line.
    """

    scoring: float
    timings: Mapping[Workload, Timing]
    load: float = 0.0
    errors: Mapping[Workload, str] = field(default_factory=dict)


def run_pilot(
    workloads: Sequence[Workload],
    path: Path,
    *,
    seconds: float = SECONDS,
    on_progress: Callable[[int, int], None] | None = None,
) -> Pilot:
    """Times what an earlier pilot on this machine did not.

    Args:
        workloads: what a study needs.
        path: where pilots are kept, such as ``runs/quick/pilot.json``.
        seconds: in which to begin what takes long. What there is no time for is judged by its
            predictions, and measured by the next pilot.
        on_progress: called with how many workloads are known and how many there are.

    Raises:
        DataError: the process that measures can't begin.

    Example:
        >>> pilot = run_pilot([workload], Path("runs/quick/pilot.json"))
        >>> pilot.timings[workload].step
        0.16
    """
    machine = describe_machine()
    known = _read(path, machine)
    missing = [one for one in workloads if one not in known.timings or _is_judged(known, one)]
    if not missing:
        return known
    tell = on_progress or (lambda done, total: None)
    before = len(workloads) - len(missing)
    tell(before, len(workloads))
    scoring, timings, errors = known.scoring, dict(known.timings), {}
    load = max(known.load, os.getloadavg()[0])
    for answer in _ask(missing, seconds):
        if "scoring" in answer:
            scoring = answer["scoring"]
            continue
        one = missing[answer["number"]]
        if "timing" in answer:
            timings[one] = Timing(**answer["timing"])
        else:
            errors[one] = answer["error"]
        before += 1
        tell(before, len(workloads))
    for one in missing:
        if one not in timings and one not in errors:
            errors[one] = "the process that measures it was ended, perhaps for want of memory"
    content = [{"workload": asdict(one), "timing": asdict(timings[one])} for one in timings]
    measured = {"scoring": scoring, "load": load, "timings": content}
    write_json(path, {"format": FORMAT, "machine": machine, **measured})
    return Pilot(scoring, timings, load, errors)


def describe_machine() -> dict[str, Any]:
    """What decides how fast a network trains; a pilot counts where all of it is the same."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.is_file() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "cpu": models[0] if models else platform.processor() or platform.machine(),
        "cores": count_cores(),
        "gpus": list(_list_gpus()),
        "visible_gpus": os.environ.get("CUDA_VISIBLE_DEVICES"),
        "tensorflow": version("tensorflow"),
        "keras": version("keras"),
    }


def count_cores() -> int:
    """Those that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _list_gpus() -> Iterator[str]:
    for path in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("Model:"):
                yield line.partition(":")[2].strip()


def _is_judged(pilot: Pilot, one: Workload) -> bool:
    return not pilot.timings[one].measured


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
        Workload(**one["workload"]): _parse_timing(**one["timing"])
        for one in as_list(kept["timings"])
    }
    return Pilot(as_number(kept["scoring"]), timings, as_number(kept["load"]))


def _parse_timing(parameters: int, measured: bool, **seconds: float) -> Timing:
    pieces = {name: as_number(value) for name, value in seconds.items()}
    return Timing(**pieces, parameters=as_count(parameters), measured=measured is True)


def _ask(workloads: Sequence[Workload], seconds: float) -> Iterator[dict[str, Any]]:
    """What a process of its own answers, as it comes."""
    request = json.dumps({"workloads": [asdict(one) for one in workloads], "seconds": seconds})
    # the same search path, so that it finds what we find
    code = (
        f"import sys; sys.path[:] = {sys.path!r}; "
        "from ecg_keras.study.measuring import main; main()"
    )
    quiet = {"TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "3")}
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log,
        subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, **quiet},
        ) as process,
    ):
        answered = False
        try:
            if process.stdin is None or process.stdout is None:
                return
            with contextlib.suppress(BrokenPipeError):  # it is gone: its log tells why
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
