"""What `ecg-keras validate` says of planted faults and of other datasets, and how it says it."""

import re
import shutil
from pathlib import Path

import planted_faults
import pytest
from planted_faults import cut

from ecg_keras import simulate

DOCS = Path(__file__).resolve().parents[2] / "docs" / "validation.md"
RECORDS = 150
# fault -> the features that tell of it, alone or against the sound records (the last two)
TOLD_BY = {
    "unit": {"peak_mv", "rms_mv"},
    "gain": {"peak_mv"},
    "limb_leads": {"einthoven_mv"},
    "arm_electrodes": {"deflection_mv I"},
    "chest_leads": {"deflection_mv V6"},
    "rate": {"heart_rate", "original_seconds"},
    "labels": {"labels"},
    "age": {"age"},
    "prevalence": {"labels"},
}
AGAINST = ("age", "prevalence")


LONG_AND_REAL = pytest.param("real", marks=[pytest.mark.real, pytest.mark.long])


@pytest.fixture(scope="module", params=["simulated", LONG_AND_REAL])
def sound(request, tmp_path_factory):
    """A sound database in PTB-XL's layout, and its shards at 100 Hz, which have no anomaly.

    The simulated one has 100 Hz files, the real one those of 500 Hz.
    """
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "real":
        source = request.getfixturevalue("real_data") / "ptbxl"
        cut(source, folder / "raw", RECORDS, files="filename_hr")
    else:
        source = folder / "simulated"
        simulate.simulate(source, hospital="lakeside", records=RECORDS, seed=0)
        cut(source, folder / "raw", RECORDS)
    return folder


def prepare(ecg_keras, raw, shards):
    recipe = Path("a.yaml")
    recipe.write_text(
        f"mode: scratch\ndata: {{source: ptbxl, raw: {raw}, shards: {shards}, "
        "sampling_rate: 100, verify: off}\n"
    )
    answer = ecg_keras("prepare", recipe)
    assert answer.code == 0, answer.err
    (folder,) = Path(shards).glob("[!.]*")
    return folder


def test_the_docs_tell_what_flags_each_fault():
    rows = re.findall(r"^\| `(\w+)`: .*\| (.+) \|$", DOCS.read_text(encoding="utf-8"), flags=re.M)
    told = {fault: set(re.findall(r"`(.+?)`", cells)) for fault, cells in rows}
    assert told == TOLD_BY


def features(text):
    return set(re.findall(r"^(?:train|valid|test): (.+?): ", text, flags=re.M))


# the others are found in test_validating.py, on shards of fewer records
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(one, marks=[pytest.mark.long] * (one not in ("unit", "labels", *AGAINST)))
        for one in TOLD_BY
    ],
)
def test_a_planted_fault_is_flagged(ecg_keras, sound, fault, tmp_path):
    if fault in AGAINST:
        pytest.importorskip("tensorflow_data_validation", exc_type=ImportError)
    shutil.copytree(sound / "raw", tmp_path / "raw")
    getattr(planted_faults, fault)(tmp_path / "raw")
    shards = prepare(ecg_keras, tmp_path / "raw", tmp_path / "shards")
    reference = ()
    if fault in AGAINST:
        if not (sound / "shards").exists():
            prepare(ecg_keras, sound / "raw", sound / "shards")
        reference = ("--against", *(sound / "shards").glob("[!.]*"))
    answer = ecg_keras("validate", shards, *reference)
    assert answer.code == 1
    assert TOLD_BY[fault] <= features(answer.out), answer.out


@pytest.fixture
def pair(ecg_keras, sound, tmp_path):
    """Sound shards, and others of the same database where everybody is older."""
    pytest.importorskip("tensorflow_data_validation", exc_type=ImportError)
    if not (sound / "shards").exists():
        prepare(ecg_keras, sound / "raw", sound / "shards")
    shutil.copytree(sound / "raw", tmp_path / "raw")
    planted_faults.age(tmp_path / "raw")
    return next((sound / "shards").glob("[!.]*")), prepare(
        ecg_keras, tmp_path / "raw", tmp_path / "shards"
    )


@pytest.mark.parametrize("sound", ["simulated"], indirect=True)
def test_other_datasets_are_told_in_a_table_and_on_a_page(ecg_keras, pair, tmp_path):
    good, older = pair
    assert ecg_keras("validate", good).out == f"{good}: no anomalies\n"
    answer = ecg_keras("validate", good, "--against", older, "--serving", good, "--page", "a.html")
    assert answer.code == 1
    lines = answer.out.splitlines()
    head = lines.index(f"drift from {older}")
    assert lines[head + 1].split()[:5] == ["feature", "distance", "found", "allowed", "verdict"]
    (age,) = (line for line in lines[head:] if line.startswith("age ") and "differs" in line)
    assert re.search(
        r"Jensen-Shannon  0\.\d{3}  0\.2\d\d +differs  median \d+ here, \d+ there$", age
    )
    assert f"skew between training and serving, {good}" in lines
    assert lines[-2:] == [f"{good}: 1 anomaly", "page  a.html"]
    text = (tmp_path / "a.html").read_text()
    assert f"The training split and {older} differ in age." in text
    assert "are alike in all 42 features" in text


@pytest.mark.parametrize("sound", ["simulated"], indirect=True)
def test_a_terminal_gets_tables(ecg_keras, pair, monkeypatch):
    good, older = pair
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "160")
    answer = ecg_keras("validate", good, "--against", older)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", answer.out)
    assert re.search(r"^anomalies *$", plain, flags=re.M)
    assert re.search(r"^ *split +feature +what is wrong *$", plain, flags=re.M)
    assert re.search(
        r"^ *age +Jensen-Shannon +0\.\d{3} +0\.2\d\d +differs +median", plain, flags=re.M
    )


@pytest.mark.parametrize("sound", ["simulated"], indirect=True)
def test_a_beam_pipeline_counts_them(ecg_keras, pair):
    good, _ = pair
    shutil.rmtree(good / "statistics", ignore_errors=True)
    answer = ecg_keras("validate", good, "--beam", "--", "--runner=DirectRunner")
    assert (answer.code, answer.out) == (0, f"{good}: no anomalies\n"), answer.err
    answer = ecg_keras("validate", good, "--", "--runner=DirectRunner")
    assert answer.code == 2
    assert "--runner=DirectRunner: options of Beam need --beam before --" in answer.err
