"""A user's own modules: where they are looked for, and what happens where their code fails."""

import os
import subprocess
import sys

import pytest

from ecg_keras.errors import ConfigError
from ecg_keras.sources import find_source
from ecg_keras.user_modules import import_own

SOURCE = """
LABEL_SETS = {"af": ("AF", "SR")}
OFFICIAL_FOLDS = False
CITATION = LICENCE = "mine"
def list_records(root, *, label_set, sampling_rate): return []
def read_signal(info): raise ValueError
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A current folder that Python does not search; what a test imports is forgotten behind it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("an_array_of_mine.py", "an_array_of_mine"),
        ("a_lab_of_mine/array.py", "a_lab_of_mine.array"),
        ("a_package_of_mine/__init__.py", "a_package_of_mine"),
    ],
)
def test_a_module_of_the_current_folder_is_a_source(here, file, name):
    (here / file).parent.mkdir(exist_ok=True)
    (here / file).write_text(SOURCE)
    assert str(here) not in sys.path
    assert find_source(name).LABEL_SETS == {"af": ("AF", "SR")}
    assert sys.path[-1] == str(here)


def test_a_file_in_the_current_folder_replaces_no_installed_module(here):
    for name in ("numpy", "json", "wave"):
        (here / f"{name}.py").write_text("raise SystemExit('the wrong module')")
        assert str(here) not in str(import_own(name).__file__)
    assert str(here) not in sys.path


def test_the_current_folder_is_not_searched_for_what_is_not_there(here):
    (here / "some_ecgs").mkdir()
    (here / "some_ecgs" / "x.csv").write_text("")
    with pytest.raises(ConfigError, match=r"^no source named 'some_ecgs'\. .*Nor is there a "):
        find_source("some_ecgs")
    assert str(here) not in sys.path


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("x = 1 +\n", r"its code fails: SyntaxError: .*\(a_broken_one\.py, line 1\)\. Correct"),
        ("import no_such_package_at_all", "its code fails: ModuleNotFoundError: No module named"),
        ("1 / 0", "its code fails: ZeroDivisionError: division by zero"),
        ("raise ValueError('one\\ntwo')", "its code fails: ValueError: one. Correct the module."),
    ],
)
def test_code_that_fails_is_told_in_one_line(here, code, message):
    (here / "a_broken_one.py").write_text(code)
    with pytest.raises(ConfigError, match=rf"^source a_broken_one: cannot import .*{message}") as e:
        find_source("a_broken_one")
    assert "\n" not in str(e.value)


@pytest.mark.parametrize("name", ["", ".", "a..b", "../a", "a b", "a\nb"])
def test_what_can_be_no_module_is_refused(here, name):
    with pytest.raises(ConfigError, match="no name of a module"):
        import_own(name)


def test_the_command_finds_and_names_code_of_the_current_folder(tmp_path):
    (tmp_path / "source_of_mine.py").write_text(SOURCE)
    (tmp_path / "networks_of_mine.py").write_text("def tiny(num_samples, num_leads, **_): ...")
    (tmp_path / "recipe.yaml").write_text(
        "mode: scratch\ndata: {source: source_of_mine, raw: x}\n"
        "model: {backbone: 'networks_of_mine:tiny'}\n"
    )
    command = "import sys; sys.path.remove(''); from ecg_keras.cli import main; main()"
    done = subprocess.run(  # as the command is started: without the current folder
        [sys.executable, "-c", command, "recipe", "check", "recipe.yaml"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "recipe.yaml: good",
        "recipe.yaml: data.source source_of_mine is code of your own, which is imported and run",
        "recipe.yaml: model.backbone networks_of_mine:tiny is code of your own, which is imported "
        "and run",
    ]
