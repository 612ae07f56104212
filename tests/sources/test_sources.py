"""The contract of a source, over every entry of `SOURCES`; the table and its look-ups."""

import inspect
import pickle
import re
import shutil
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from small_databases import DATABASES, write_database

from ecg_keras.config import Data
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.records import Record
from ecg_keras.signals import LEADS, measure_quality
from ecg_keras.sources import (
    SOURCES,
    check_label_set,
    corpus_of,
    find_source,
    have_same_recordings,
    read_records,
    remarks_of,
    source_of,
)
from ecg_keras.sources.contract import CONTRACT, check_label_sets

# sources whose files have the limb leads in another order
OWN_ORDER = ("code_test",)
# of the samples of recordings, below the database's folder
SIGNALS = (".dat", ".mat", ".h5", ".csv", ".edf", ".dcm")
DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="session")
def databases(tmp_path_factory):
    """For each source the folder of its small database; copy one to change it."""
    written = {}

    def write_once(name):
        if name not in written:
            written[name] = write_database(name, tmp_path_factory.mktemp(name) / "raw")
        return written[name]

    return write_once


@pytest.fixture(params=SOURCES)
def name(request):
    return request.param


def source_at(name, root):
    """The source of a database: what `folder` has is told by its table."""
    return source_of(Data(source=name, raw=root))


def test_every_source_is_tested():
    assert list(DATABASES) == list(SOURCES)


def test_every_source_says_what_its_database_is(name):
    corpus = corpus_of(name)
    assert corpus.title and corpus.about and corpus.layout
    assert {corpus.copy_of, *corpus.layout_of, *corpus.holds} <= {"", *SOURCES}
    assert corpus_of("my_lab.hospital") is None


def test_a_source_has_what_the_contract_names(name, databases):
    source = source_at(name, databases(name))
    assert all(hasattr(source, attribute) for attribute in CONTRACT)
    assert isinstance(source.OFFICIAL_FOLDS, bool)
    assert source.CITATION.strip() and source.LICENCE.strip()
    assert all(isinstance(labels, tuple) for labels in source.LABEL_SETS.values())
    check_label_sets(name, source.LABEL_SETS)


def test_records_are_listed_as_the_contract_says(name, databases):
    root = databases(name)
    source = source_at(name, root)
    for label_set, labels in source.LABEL_SETS.items():
        infos = source.list_records(root, label_set=label_set, sampling_rate=100)
        ids = [info.record_id for info in infos]
        assert len(ids) >= 3 and ids == sorted(set(ids))
        for info in infos:
            assert [label for label in labels if label in info.labels] == list(info.labels)
            assert info.path.is_relative_to(root)
            assert (info.fold is not None) == source.OFFICIAL_FOLDS
        again = source.list_records(root, label_set=label_set, sampling_rate=100)
        assert infos == again


def test_signals_are_twelve_leads_in_millivolts(name, databases):
    for record in read_records(name, databases(name), sampling_rate=500):
        signal = record.signal
        assert isinstance(record, Record)
        assert sorted(signal.leads) == sorted(LEADS) and signal.values.dtype == np.float32
        assert (signal.leads == LEADS) == (name not in OWN_ORDER)
        assert len(signal.values) >= 5 * signal.sampling_rate
        quality = measure_quality(signal.values, signal.leads)
        assert quality.einthoven_mv < 0.01
        assert 0.1 < quality.peak_mv < 10 and quality.flat_leads == 0


def test_a_part_of_a_signal_is_that_part_of_the_whole(name, databases):
    source = source_at(name, databases(name))
    label_set = next(iter(source.LABEL_SETS))
    for info in source.list_records(databases(name), label_set=label_set, sampling_rate=500):
        whole = source.read_signal(info)
        rate, total = whole.sampling_rate, len(whole.values)
        assert whole.start == 0 and whole.total in (None, total)
        if "span" not in inspect.signature(source.read_signal).parameters:
            continue
        part = source.read_signal(info, span=(1.5, 3.25))
        stop = part.start + len(part.values)
        assert part.start <= 1.5 * rate and 3.25 * rate <= stop
        assert part.total == total and len(part.values) < total
        assert (part.leads, part.sampling_rate) == (whole.leads, rate)
        assert np.array_equal(part.values, whole.values[part.start : stop])


def test_remarks_are_sentences_with_the_file_that_they_are_about(name, databases):
    root = databases(name)
    for remark in remarks_of(source_at(name, root), root):
        assert remark.startswith(str(root)) and remark.endswith(".")


def test_records_travel_between_processes(name, databases):
    source = source_at(name, databases(name))
    label_set = next(iter(source.LABEL_SETS))
    info = source.list_records(databases(name), label_set=label_set, sampling_rate=100)[0]
    assert pickle.loads(pickle.dumps(info)) == info  # noqa: S301  written by this test
    read_signal = pickle.loads(pickle.dumps(source.read_signal))  # noqa: S301
    assert np.array_equal(read_signal(info).values, source.read_signal(info).values)


def test_a_missing_or_empty_folder_is_named(name, databases, tmp_path):
    source = source_at(name, databases(name))
    label_set = next(iter(source.LABEL_SETS))
    for root in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(DataError, match=re.escape(str(root))):
            source.list_records(root, label_set=label_set, sampling_rate=100)


def test_an_unknown_label_set_gets_the_nearest_match(name, databases):
    source = source_at(name, databases(name))
    label_set = next(iter(source.LABEL_SETS))
    with pytest.raises(ConfigError, match=f"no label set named.*Did you mean '{label_set}'"):
        source.list_records(databases(name), label_set=label_set + "s", sampling_rate=100)


@pytest.mark.parametrize("damage", ["truncated", "missing"])
def test_a_damaged_signal_file_is_named_when_it_is_read(name, databases, tmp_path, damage):
    root = shutil.copytree(databases(name), tmp_path / "raw")
    source = source_at(name, root)
    label_set = next(iter(source.LABEL_SETS))
    infos = source.list_records(root, label_set=label_set, sampling_rate=100)
    files = [file for file in root.rglob("*") if file.suffix in SIGNALS and file.parent != root]
    files += root.rglob("*.hdf5")
    for file in files:
        if damage == "missing":
            file.unlink()
        else:
            file.write_bytes(file.read_bytes()[: -file.stat().st_size // 4])
    message = {
        "truncated": r"truncated.*Download the\s+file again",
        "missing": "No such file",
    }[damage]
    for info in infos:
        with pytest.raises(DataError, match=message) as caught:
            source.read_signal(info)
        assert any(str(file) in str(caught.value) for file in files)


def test_a_folder_is_known_by_its_recipe_not_by_its_name():
    with pytest.raises(ConfigError, match=r"source folder: .* data.raw and data.folder"):
        find_source("folder")


def test_an_unknown_source_gets_the_nearest_match():
    with pytest.raises(ConfigError, match=r"no source named 'ptb-xl'.*Did you mean 'ptbxl'"):
        find_source("ptb-xl")


def test_a_dotted_name_is_a_module_of_the_users_own():
    assert find_source("my_lab.hospital").LABEL_SETS == {"rhythm": ("AF", "PAC", "SR")}
    with pytest.raises(ConfigError, match=r"source my_lab.gone: cannot import.*PYTHONPATH"):
        find_source("my_lab.gone")
    with pytest.raises(
        ConfigError, match=r"module os.path lacks LABEL_SETS, OFFICIAL_FOLDS, .*docs/add-a-source"
    ):
        find_source("os.path")
    with pytest.raises(ConfigError, match=r"no source named '\.ptbxl'.*Did you mean 'ptbxl'"):
        find_source(".ptbxl")


def test_an_object_of_the_users_own_is_a_source():
    named = find_source("sources_of_tests.objects:HOSPITAL")
    assert named.LABEL_SETS == {"rhythm": ("AF", "SR")}
    assert source_of(Data(source="sources_of_tests.objects:HOSPITAL", raw="raw")) is named


@pytest.mark.parametrize("made", ["make_hospital", "Hospital"])
def test_a_function_of_the_users_own_makes_a_source_of_the_recipe(made, tmp_path):
    name = f"sources_of_tests.objects:{made}"
    source = source_of(Data(source=name, raw=tmp_path))
    assert source.LABEL_SETS == {"rhythm": ("AF", "SR")} and source.place == tmp_path
    with pytest.raises(ConfigError, match=rf"source {name}: its labels are given by a recipe's"):
        find_source(name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("objects:HOSPITL", r"no 'HOSPITL'. Did you mean 'HOSPITAL'\?"),
        ("objects:NOTHING", r"the object sources_of_tests.objects:NOTHING lacks LABEL_SETS, "),
        ("objects:make_nothing", r"the object sources_of_tests.objects:make_nothing lacks LABEL_S"),
        ("objects:fail", "source sources_of_tests.objects:fail: its code fails: KeyError: 'site'"),
        ("objects:make_unlabelled", "LABEL_SETS must be a dict of at least one name"),
        ("nowhere:HOSPITAL", "cannot import sources_of_tests.nowhere: there is no module"),
    ],
)
def test_an_object_that_is_no_source_is_named(name, message):
    with pytest.raises(ConfigError, match=message) as caught:
        source_of(Data(source=f"sources_of_tests.{name}", raw="raw"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("ptbxl", "ptbxl_challenge", True),
        ("ptb", "ptb_diagnostic", True),
        ("chapman_csv", "chapman", True),
        ("georgia", "georgia", True),
        ("my_lab.hospital", "my_lab.hospital", True),
        ("chapman", "ningbo", False),
        ("chapman_ningbo", "ningbo", True),
        ("chapman_ningbo", "chapman_csv", True),
        ("chapman_ningbo", "georgia", False),
        ("challenge", "ptbxl", True),
        ("challenge", "ptb_diagnostic", True),
        ("challenge", "ludb", False),
        ("my_lab.hospital", "ptb", False),
    ],
)
def test_copies_have_the_same_recordings(one, other, same):
    assert have_same_recordings(one, other) is same


def test_a_label_set_is_found_or_the_nearest_match_is():
    ptbxl = find_source("ptbxl")
    assert check_label_set(ptbxl, None) == ("NORM", "MI", "STTC", "HYP", "CD")
    assert len(check_label_set(ptbxl, "all")) == 71
    with pytest.raises(ConfigError, match=r"no label set named 'rythm'.*Did you mean 'rhythm'"):
        check_label_set(ptbxl, "rythm")


def test_the_module_of_the_tutorial_works_as_it_is_printed(tmp_path, monkeypatch):
    tutorial = (DOCS / "add-a-source.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", tutorial, re.MULTILINE | re.DOTALL)
    module = next(block for block in blocks if "def list_records" in block)
    (tmp_path / "our_lab").mkdir()
    (tmp_path / "our_lab" / "holter.py").write_text(module, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    root = tmp_path / "raw"
    root.mkdir()
    (root / "patients.csv").write_text("record,person,finding\nb,p1,AF\na,p1,\n")
    for record in "ab":
        np.savetxt(root / f"{record}.csv", np.full((20, 12), 250.0), delimiter=",")
    try:
        records = list(read_records("our_lab.holter", root, sampling_rate=100))
        assert [record.info.record_id for record in records] == ["a", "b"]
        assert [record.info.labels for record in records] == [("SR",), ("AF",)]
        assert records[0].signal.values.max() == 0.25
        (root / "patients.csv").write_text("record,person,finding\nb,p1,flutter\n")
        with pytest.raises(DataError, match=r"patients.csv: record b: no finding named 'flutter'"):
            list(read_records("our_lab.holter", root, sampling_rate=100))
    finally:
        for module_name in ("our_lab.holter", "our_lab"):
            sys.modules.pop(module_name, None)


REAL = {
    "ptbxl": ("ptbxl", 500),
    "cpsc2018": ("challenge/training/cpsc_2018", 10),
    "cpsc2018_extra": ("challenge/training/cpsc_2018_extra", 10),
    "georgia": ("challenge/training/georgia", 10),
    "ptb": ("challenge/training/ptb", 10),
    "ptbxl_challenge": ("challenge/training/ptb-xl", 10),
    "chapman": ("challenge/training/chapman_shaoxing", 10),
    "ningbo": ("challenge/training/ningbo", 10),
    "challenge": ("challenge/training", 70),
    "ludb": ("ludb", 200),
}


# recordings of Ningbo whose last leads are zero throughout
FLAT = {"JS45542": 6, "JS45544": 5, "JS45551": 3}


@pytest.mark.real
@pytest.mark.parametrize("real", REAL)
def test_real_databases_are_read_whole(real_data, real):
    folder, count = REAL[real]
    records = list(read_records(real, real_data / folder, sampling_rate=100))
    assert len(records) == count
    rates = Counter(record.signal.sampling_rate for record in records)
    assert set(rates) <= {100.0, 500.0, 1000.0}
    for record in records:
        assert record.signal.leads == LEADS
        assert np.isfinite(record.signal.values).all()
        quality = measure_quality(record.signal.values, LEADS)
        assert quality.einthoven_mv < 0.003
        assert quality.flat_leads == FLAT.get(record.info.path.name, 0)
