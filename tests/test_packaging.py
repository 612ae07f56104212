"""What the package declares: versions, pins, commands, and that they agree with each other."""

import configparser
import importlib
import importlib.metadata
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import ecg_keras

ROOT = Path(__file__).resolve().parents[1]
PYTHONS = ("3.10", "3.11", "3.12", "3.13")


def read_setup() -> configparser.ConfigParser:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    return setup


SETUP = read_setup()
NEEDED = [Requirement(r) for r in SETUP["options"]["install_requires"].split("\n") if r]
DEVELOPER = [Requirement(r) for r in SETUP["options.extras_require"]["dev"].split("\n") if r]


def read_pins(python: str) -> dict[str, Version]:
    lines = (ROOT / "constraints" / f"py{python}.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.partition(" ;")[0].split("==") for line in lines if not line.startswith("#")]
    return {canonicalize_name(name): Version(version) for name, version in pins}


def test_the_installed_version_is_the_packages():
    assert importlib.metadata.version("ecg_keras") == ecg_keras.__version__


def test_the_package_ships_its_types():
    assert (Path(ecg_keras.__file__).parent / "py.typed").is_file()
    assert "py.typed" in SETUP["options.package_data"]["ecg_keras"]


def test_data_files_are_declared():
    package = Path(ecg_keras.__file__).parent
    patterns = SETUP["options.package_data"]["ecg_keras"].split()
    declared = {path for pattern in patterns for path in package.glob(pattern)}
    files = {
        path for path in package.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")
    }
    assert files == declared


def test_the_command_is_declared_and_exists():
    (entry,) = importlib.metadata.entry_points(group="console_scripts", name="ecg-keras")
    assert entry.value == "ecg_keras.cli:main"
    assert callable(entry.load())


@pytest.mark.parametrize("python", PYTHONS)
def test_every_requirement_is_pinned_in_its_range(python):
    pins = read_pins(python)
    environment = {**default_environment(), "python_version": python}
    wrong = []
    for requirement in NEEDED + DEVELOPER:
        if requirement.marker is None or requirement.marker.evaluate(environment):
            pin = pins.get(canonicalize_name(requirement.name))
            if pin is None or pin not in requirement.specifier:
                wrong.append(f"{requirement}: {pin}")
    assert wrong == []


@pytest.mark.parametrize("python", PYTHONS)
def test_pins_are_nothing_but_names_versions_and_systems(python):
    text = (ROOT / "constraints" / f"py{python}.txt").read_text(encoding="utf-8")
    first, *pins = text.splitlines()
    assert first.startswith(f"# Python {python}, ")
    allowed = r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*( ; [a-z_ !='\d]+)?"
    assert [pin for pin in pins if not re.fullmatch(allowed, pin)] == []


@pytest.mark.parametrize("python", PYTHONS)
def test_intel_macs_are_pinned_to_nothing_that_they_have_no_package_of(monkeypatch, python):
    monkeypatch.syspath_prepend(ROOT / "tools")
    lacking = importlib.import_module("lock").LATEST_NOT_ON_INTEL_MACS
    lines = (ROOT / "constraints" / f"py{python}.txt").read_text(encoding="utf-8").splitlines()
    pins = [one for one in map(Requirement, lines[1:]) if one.name in lacking]
    assert sorted(one.name for one in pins) == sorted(lacking)
    for machine, applies in (("x86_64", False), ("arm64", True)):
        system = {"sys_platform": "darwin", "platform_machine": machine}
        assert {one.marker.evaluate(system) for one in pins} == {applies}


def test_pins_exist_for_no_other_python():
    files = {path.name for path in (ROOT / "constraints").iterdir()}
    assert files == {f"py{python}.txt" for python in PYTHONS}
    assert SETUP["options"]["python_requires"] == f">={PYTHONS[0]}"


def test_every_dependency_is_explained():
    text = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    explained = re.findall(r"^\| ([\w.-]+) \|", text, flags=re.MULTILINE)
    named = {requirement.name for requirement in NEEDED + DEVELOPER}
    assert sorted(set(explained) - {"package"}) == sorted(named)


def list_targets() -> set[str]:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z]+):", makefile, flags=re.MULTILINE))


def test_make_commands_in_the_texts_are_targets():
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in documents)
    commands = set(re.findall(r"(?:`|^\s*\$?\s*)make ([a-z]+)\b", text, flags=re.MULTILINE))
    assert {"quickstart", "test", "lint"} <= list_targets()
    assert commands - list_targets() == set()


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo 3.8", "Python 3.8 is not supported: use 3.10 to 3.13"),
        ("exit 1", "fake-python does not run: install Python 3.10 to 3.13"),
    ],
)
def test_a_python_that_will_not_do_is_refused_with_what_to_do(tmp_path, script, message):
    fake = tmp_path / "fake-python"
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(0o755)
    done = subprocess.run(
        ["make", "lint", f"PYTHON={fake}"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode != 0
    assert message in done.stderr


def test_ci_is_a_bash_script_that_stops_at_a_failure(tmp_path):
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    make = tmp_path / "make"
    make.write_text('#!/bin/sh\necho "make $1"\ntest "$1" != "$FAIL"\n')
    make.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    for fail, printed in (("lint", ["make lint"]), ("test", ["make lint", "make test"])):
        environment = {**os.environ, "PATH": path, "FAIL": fail}
        done = subprocess.run(["bash", script], env=environment, capture_output=True, text=True)
        assert (done.returncode, done.stdout.split("\n")[:-1]) == (1, printed)


@pytest.mark.parametrize(
    ("system", "machine", "python", "libc", "found"),
    [
        ("linux", "x86_64", (3, 11), ("glibc", "2.36"), 0),
        ("linux", "x86_64", (3, 12), ("glibc", "2.39"), 0),
        ("linux", "x86_64", (3, 13), ("glibc", "2.35"), 3),
        ("linux", "aarch64", (3, 12), ("glibc", "2.39"), 3),
        ("linux", "x86_64", (3, 12), ("", ""), 1),
        ("darwin", "arm64", (3, 12), ("", ""), 0),
        ("darwin", "arm64", (3, 11), ("", ""), 3),
        ("darwin", "x86_64", (3, 11), ("", ""), 0),
        ("darwin", "x86_64", (3, 12), ("", ""), 1),
        ("win32", "AMD64", (3, 12), ("", ""), 3),
        ("win32", "AMD64", (3, 11), ("", ""), 1),
    ],
)
def test_what_can_be_installed_where(monkeypatch, system, machine, python, libc, found):
    monkeypatch.syspath_prepend(ROOT / "tools")
    tool = importlib.import_module("tfdv_packages")
    assert tool.find(system, machine, python, libc) == found
    markers = {"sys_platform": system, "platform_machine": machine}
    markers["python_version"] = f"{python[0]}.{python[1]}"
    asked = [
        one
        for one in NEEDED
        if one.name == "tensorflow-data-validation" and one.marker.evaluate(markers)
    ]
    if found == 0:
        assert len(asked) == 1
    elif (system, machine) != ("linux", "x86_64"):  # a marker can't name the C library
        assert asked == []
    assert "install" in tool.advise(system, machine, python)


def test_lock_names_the_pythons_it_can_pin():
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "lock.py", "2.7"], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "supported: 3.10, 3.11, 3.12, 3.13. Received: 2.7" in done.stderr
