"""The measuring script: turns, ratios and tables; its first part on a few real recordings."""

import re
import shutil
import sys
from pathlib import Path

import pytest
from small_databases import write_database

from ecg_keras.sources import ptbxl


@pytest.fixture(scope="module")
def timing(script):
    return sys.modules["benchmarks.timing"]


@pytest.fixture(scope="module")
def databases(script):
    return sys.modules["benchmarks.databases"]


def test_ways_take_turns_and_the_first_round_does_not_count(timing):
    turns = []
    first, second, before = (lambda name=name: turns.append(name) for name in "ab-")
    seconds = timing.take_turns(first, second, rounds=2, before=before)
    assert turns == ["-", "a", "-", "b"] * 3
    assert [len(own) for own in seconds] == [2, 2]
    assert all(second >= 0 for own in seconds for second in own)


def test_figures_by_hand(script, timing):
    assert timing.rate(100, [0.1, 0.05, 10.0]) == "1,000"
    # round by round: 2, 8 and 4 times as fast
    assert timing.times_as_fast([1, 1, 2], [2, 8, 8]) == "**4** (2 to 8)"
    assert script.table(("a", "b"), [("c", "1")]) == "| a | b |\n| --- | ---: |\n| c | 1 |"


def test_the_page_names_every_part(script):
    page = (Path(script.__file__).parents[1] / "docs" / "benchmarks.md").read_text()
    (listed,) = re.findall(r"# one of ([\w, #\n]+?startup)", page)
    assert re.findall(r"\w+", listed) == list(script.SECTIONS)


def test_the_machine_is_told_as_a_class(script):
    described = script.describe_machine()
    assert "cores" in described and "tensorflow " in described
    assert script.platform.node() not in described


def test_each_copy_of_a_recording_is_another_patients(databases, tmp_path):
    write_database("ptbxl", tmp_path / "ptbxl")
    once = databases.settings_of(tmp_path, tmp_path / "scratch")
    often = databases.replicate(tmp_path, tmp_path / "scratch", copies=3)
    listed, copied = (
        ptbxl.list_records(one.raw, label_set="all", sampling_rate=500) for one in (once, often)
    )
    assert len({info.record_id for info in copied}) == 3 * len(listed)
    assert len({info.patient_id for info in copied}) == 3 * len({one.patient_id for one in listed})
    assert len({info.path for info in copied}) == 3 * len(listed)
    assert ptbxl.read_signal(copied[-1]).values.shape[1] == 12


@pytest.mark.real
def test_reading_real_recordings(script, real_data, tmp_path, monkeypatch, capsys):
    for folder in ("ptbxl/records500", "ptbxl/records100", "challenge/training/georgia"):
        (tmp_path / folder).mkdir(parents=True)
        for header in sorted((real_data / folder).rglob("*.hea"))[:2]:
            for file in header.parent.glob(f"{header.stem}.*"):
                shutil.copyfile(file, tmp_path / folder / file.name)
    monkeypatch.setattr(sys, "argv", ["benchmark.py", str(tmp_path), "--only", "reading"])
    script.main()
    printed = capsys.readouterr().out.splitlines()
    assert printed[2] == "## reading"
    rows = [line.split(" | ") for line in printed if line.startswith(("| PTB", "| Ch", "| form"))]
    # there is no recording of the set ptb
    assert [row[1] for row in rows] == ["2"] * 7
    assert "format 24" in rows[-2][0]


def test_a_folder_without_recordings_is_named(script, tmp_path):
    with pytest.raises(SystemExit, match=r"holds no \.hea file"):
        script.SECTIONS["reading"](tmp_path, tmp_path)


def test_without_data_it_says_what_to_name(script, monkeypatch, capsys):
    monkeypatch.delenv("ECG_KERAS_TEST_DATA", raising=False)
    monkeypatch.setattr(sys, "argv", ["benchmark.py"])
    with pytest.raises(SystemExit):
        script.main()
    assert "ECG_KERAS_TEST_DATA" in capsys.readouterr().err
