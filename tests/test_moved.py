"""Former names of what has moved import the very same modules, and warn."""

import importlib
import subprocess
import sys

import pytest

from ecg_keras import moved


@pytest.fixture(autouse=True)
def forget_former_names():
    """Other tests must not find a former name imported already."""
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if moved.new_name(name):
            del sys.modules[name]


@pytest.mark.parametrize("old", moved.MODULES)
def test_a_former_name_imports_the_module_and_warns(old):
    new = moved.MODULES[old]
    module = importlib.import_module(new)
    sys.modules.pop(old, None)
    with pytest.warns(FutureWarning, match=f"{old} has moved to {new}"):
        assert importlib.import_module(old) is module
    assert module.__spec__.name == new
    assert module.__name__ == new


def test_a_module_inside_a_moved_package_is_not_imported_twice():
    from ecg_keras.sources import fields

    with pytest.warns(FutureWarning, match=r"moved to ecg_keras\.sources") as warned:
        former = importlib.import_module("ecg_keras.data.sources.fields")
    assert former is fields
    assert "ecg_keras.sources.fields" in str(warned[-1].message)


def test_what_has_not_moved_is_found_as_ever():
    with pytest.raises(ModuleNotFoundError, match=r"ecg_keras\.data\.nowhere"):
        importlib.import_module("ecg_keras.data.nowhere")


def test_a_users_own_source_of_an_earlier_version_still_works():
    code = (
        "from ecg_keras.data.records import RecordInfo, Signal\n"
        "from ecg_keras.data.labels import present_labels\n"
        "import ecg_keras.records\n"
        "assert RecordInfo is ecg_keras.records.RecordInfo\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "<string>:1: FutureWarning: ecg_keras.data.records has moved to" in done.stderr
    assert "<string>:2: FutureWarning: ecg_keras.data.labels has moved to" in done.stderr


def test_recipes_are_read_from_their_former_module():
    code = (
        "from ecg_keras.config.schema import Recipe\n"
        "import ecg_keras as ecg\n"
        "assert ecg.config.Recipe is Recipe and callable(ecg.config.fingerprint)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "ecg_keras.config.schema has moved to ecg_keras.config;" in done.stderr


def test_former_modules_of_the_challenges_sets_import_their_sources():
    code = (
        "import ecg_keras.data.sources.georgia\n"
        "import ecg_keras.sources.georgia as georgia\n"
        "from ecg_keras.data.sources.ptbxl_challenge import LABEL_SETS\n"
        "from ecg_keras.sources import find_source\n"
        "assert ecg_keras.data.sources.georgia is georgia is find_source('georgia')\n"
        "assert LABEL_SETS == find_source('ptbxl_challenge').LABEL_SETS\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for former in ("data.sources.georgia", "sources.georgia"):
        where = f"ecg_keras.{former} has moved to ecg_keras.sources.challenge_sets.GEORGIA;"
        assert done.stderr.count(where) == 1


def test_a_module_that_moved_and_was_renamed_is_named_as_it_is_now():
    assert moved.new_name("ecg_keras.data.sources.tables") == "ecg_keras.sources.fields"


def test_names_that_left_the_face_of_data_are_forwarded():
    from ecg_keras import data, validation

    with pytest.warns(FutureWarning, match=r"ecg_keras\.validation\.validate"):
        assert data.validate is validation.validate


@pytest.mark.parametrize("old", moved.NAMES)
def test_a_former_name_of_a_package_is_forwarded_and_warns(old):
    package, _, name = old.rpartition(".")
    new_package, _, new = moved.NAMES[old].rpartition(".")
    expected = getattr(importlib.import_module(new_package), new)
    with pytest.warns(FutureWarning, match=f"{old} has moved to {moved.NAMES[old]}") as caught:
        assert getattr(importlib.import_module(package), name) is expected
    assert caught[0].filename == __file__
