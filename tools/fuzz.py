"""Feeds the readers damaged files, guided by coverage, and prints what they did with them.

    python -m pip install atheris                 # Linux, Python 3.11 to 3.13
    python tools/fuzz.py                          # every target, a minute each
    python tools/fuzz.py ptbxl_table --seconds 600

A target is one file of a small database, written in the layout of the real one. The fuzzer changes
that file, and everything a user would do follows: list the records, read each signal. What may
happen is a result or one of our own errors. Anything else is a finding: another exception, a file
opened outside the database's folder, ten seconds without an answer, or 2 GiB of memory.

A finding's input is kept in `fuzz-findings/`, and `--replay FILE` gives it to the target again.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import importlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# the small databases of the tests are what is damaged
sys.path.insert(0, str(ROOT / "tests" / "small"))


def _watched() -> contextlib.AbstractContextManager[None]:
    """In the process that fuzzes, what is imported within reports which code is reached."""
    if "--here" not in sys.argv:
        return contextlib.nullcontext()
    import atheris

    watched: contextlib.AbstractContextManager[None] = atheris.instrument_imports(
        include=["ecg_keras"]
    )
    return watched


with _watched():
    from small_databases import write_database
    from small_signals import microvolts
    from small_xml import aecg_series, muse_waveform, write_aecg, write_muse, write_sierra
    from weight_files import WRITERS

    from ecg_keras.config import Data, load_recipe
    from ecg_keras.data.dataset import read_dataset
    from ecg_keras.errors import EcgKerasError
    from ecg_keras.formats.xml_exports import read_xml
    from ecg_keras.sources import SOURCES, source_of
    from ecg_keras.weights import card_template, read_card, read_tensors

    for one in SOURCES.values():
        importlib.import_module(one.partition(":")[0])

FINDINGS = Path("fuzz-findings")
# limits of one input
SECONDS_EACH = 10
MEBIBYTES = 2048
# longer inputs find nothing that shorter ones do not
LONGEST = 20_000
# where Python and its packages read their own files
OWN = tuple({str(ROOT), sys.prefix, sys.base_prefix, *sysconfig.get_paths().values()})
# and those of the system that say nothing
OWN += ("/proc", "/usr/share/zoneinfo", "/dev/null", "/dev/urandom")


class OutsideError(Exception):
    """A file outside the database's folder was opened."""


@dataclass(frozen=True)
class Target:
    """One damaged file.

    Attributes:
        write: writes the undamaged files below a folder.
        file: the one that is damaged, relative to the folder.
        use: what is done with the folder.
    """

    write: Callable[[Path], object]
    file: str
    use: Callable[[Path], object]


def read_database(source: str) -> Callable[[Path], None]:
    """Lists a database and reads each signal; what is wrong with one leaves the others."""

    def use(root: Path) -> None:
        reader = source_of(Data(source=source, raw=root))
        label_set = next(iter(reader.LABEL_SETS))
        for info in reader.list_records(root, label_set=label_set, sampling_rate=100):
            with contextlib.suppress(EcgKerasError):
                reader.read_signal(info)

    return use


def database_target(source: str, file: str) -> Target:
    """A file of the small database of a source."""
    return Target(lambda root: write_database(source, root), file, read_database(source))


def write_recipe(root: Path) -> None:
    """One of the project's recipes."""
    root.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "recipes" / "quickstart.yaml", root / "recipe.yaml")


def write_description(root: Path) -> None:
    """A dataset.json without its shards."""
    from ecg_keras.data.dataset import Dataset, Duplicates, LeftOut, SplitSummary

    split = SplitSummary(records=2, patients=2, labels={"AF": 1}, shards={}, checksums={})
    dataset = Dataset(
        source="ptbxl",
        label_set="rhythm",
        labels=("AF",),
        leads=("I", "II"),
        sampling_rate=100.0,
        num_samples=1000,
        splits={"train": split, "valid": split, "test": split},
        dropped=(LeftOut("1", "too short"),),
        quarantined=(LeftOut("2", "flat"),),
        duplicates=(Duplicates(("3", "4"), ("train", "test")),),
        settings={"source": "ptbxl"},
        fingerprint="0" * 64,
        raw_digest="1" * 64,
    )
    root.mkdir(parents=True, exist_ok=True)
    (root / "dataset.json").write_text(dataset.dump(), encoding="utf-8")


def xml_target(write: Callable[[Path], object]) -> Target:
    """An XML export; ``write`` writes it to a path."""

    def write_into(root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        write(root / "x.xml")

    return Target(write_into, "x.xml", lambda root: read_xml(root / "x.xml"))


def weights_target(write: Callable[[Path], object]) -> Target:
    """A file of published weights; ``write`` writes it to a path."""

    def write_into(root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        write(root / "theirs.pt")

    return Target(write_into, "theirs.pt", lambda root: read_tensors(root / "theirs.pt"))


def write_card(root: Path) -> None:
    """The card of published weights."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "card.yaml").write_text(card_template("inception_ahus"), encoding="utf-8")


ECG = microvolts(1, 200)

TARGETS = {
    "wfdb_header": database_target("challenge", "cpsc_2018/g1/A0001.hea"),
    "matlab_samples": database_target("challenge", "cpsc_2018/g1/A0001.mat"),
    "ptbxl_table": database_target("ptbxl", "ptbxl_database.csv"),
    "ptbxl_statements": database_target("ptbxl", "scp_statements.csv"),
    "ludb_header": database_target("ludb", "data/1.hea"),
    "folder_table": database_target("folder", "labels.csv"),
    "edf": database_target("folder", "edf/e1.edf"),
    "dicom": database_target("folder", "dicom/d2.dcm"),
    "muse": xml_target(lambda path: write_muse(path, muse_waveform(ECG[:, :2], ("I", "II")))),
    "sierra": xml_target(lambda path: write_sierra(path, ECG)),
    "aecg": xml_target(lambda path: write_aecg(path, aecg_series(ECG))),
    "recipe": Target(write_recipe, "recipe.yaml", lambda root: load_recipe(root / "recipe.yaml")),
    **{f"weights_{kind}": weights_target(write) for kind, write in WRITERS.items()},
    "card": Target(write_card, "card.yaml", lambda root: read_card(root / "card.yaml")),
    "dataset_json": Target(
        write_description, "dataset.json", lambda root: read_dataset(root / "dataset.json")
    ),
}


# inside which folders Python may open files now; empty where nobody watches
_ALLOWED: tuple[str, ...] = ()


@functools.cache
def _watch_openings() -> None:
    """One hook for the whole process: it can't be removed, and all that Python does calls it."""

    def check(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open" and _ALLOWED and isinstance(arguments[0], str):
            place = os.path.realpath(arguments[0])
            if not place.startswith(_ALLOWED):
                raise OutsideError(place)

    sys.addaudithook(check)


@contextlib.contextmanager
def reading_only_inside(folder: Path) -> Iterator[None]:
    """Raises `OutsideError` where Python opens a file that is neither inside nor its own."""
    global _ALLOWED
    _watch_openings()
    _ALLOWED = (str(folder.resolve()), *OWN)
    try:
        yield
    finally:
        _ALLOWED = ()


def try_input(target: Target, root: Path, content: bytes) -> bool:
    """Whether the target accepts a damaged file; everything but our own errors is raised."""
    (root / target.file).write_bytes(content)
    try:
        target.use(root)
    except EcgKerasError:
        return False
    return True


def fuzz_one(name: str, options: list[str]) -> None:
    """Fuzzes one target in this process until its time is over or something is found."""
    import atheris

    target = TARGETS[name]
    with tempfile.TemporaryDirectory() as scratch:
        root, corpus = Path(scratch) / "database", Path(scratch) / "corpus"
        target.write(root)
        corpus.mkdir()
        shutil.copy(root / target.file, corpus / "undamaged")
        with reading_only_inside(Path(scratch)):
            atheris.Setup(
                [sys.argv[0], *options, str(corpus)],
                lambda content: try_input(target, root, content) and None,
            )
            atheris.Fuzz()


def run_target(name: str, seconds: int) -> tuple[str, ...]:
    """A row of the table: the target, inputs tried, edges of code reached, and what was found."""
    FINDINGS.mkdir(exist_ok=True)
    options = [
        f"-max_total_time={seconds}",
        f"-timeout={SECONDS_EACH}",
        f"-rss_limit_mb={MEBIBYTES}",
        f"-max_len={LONGEST}",
        f"-artifact_prefix={FINDINGS}/{name}-",
        "-print_final_stats=1",
        "-seed=1",
    ]
    command = [sys.executable, __file__, name, "--here", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    tried = re.search(r"number_of_executed_units:\s*(\d+)", done.stderr)
    reached = re.findall(r"cov: (\d+)", done.stderr)
    kept = re.findall(r"Test unit written to (\S+)", done.stderr)
    if done.returncode and not kept:
        sys.exit(f"{name}: the fuzzer itself failed:\n{done.stderr[-2000:]}")
    found = f"{kept[-1]}: {_reason(done.stderr + done.stdout)}" if kept else "nothing"
    return name, tried[1] if tried else "?", reached[-1] if reached else "?", found


def _reason(text: str) -> str:
    """The exception or the limit behind a finding."""
    lines = re.findall(r"^(?:\w+\.)*\w*(?:Error|Exception|Warning)\b.*|ERROR: .*", text, re.M)
    return lines[-1][:160] if lines else "see the file"


def main() -> None:
    """Fuzzes the targets one after another and prints a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--replay", type=Path, help="give this file to the one TARGET again")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    given, options = parser.parse_known_args()
    unknown = sorted(set(given.targets) - set(TARGETS))
    if unknown:
        parser.error(f"no target {', '.join(unknown)}; there are {', '.join(TARGETS)}")
    if given.here:
        fuzz_one(given.targets[0], options)
        return
    if given.replay:
        with tempfile.TemporaryDirectory() as scratch:
            target, root = TARGETS[given.targets[0]], Path(scratch) / "database"
            target.write(root)
            with reading_only_inside(Path(scratch)):
                print("read" if try_input(target, root, given.replay.read_bytes()) else "refused")
        return
    print("| target | inputs | edges reached | found |\n| --- | ---: | ---: | --- |")
    rows = []
    for name in given.targets or TARGETS:
        rows.append(run_target(name, given.seconds))
        print(f"| {' | '.join(rows[-1])} |", flush=True)
    sys.exit(any(row[-1] != "nothing" for row in rows))


if __name__ == "__main__":
    main()
