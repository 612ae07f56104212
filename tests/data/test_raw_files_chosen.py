"""What makes another dataset: the files that a source reads, and settings off their defaults."""

import shutil

import numpy as np
import pytest
from small_databases import DATABASES, write_database
from small_folder import write_csv, write_folder, write_wfdb

from ecg_keras.config import Data, Folder, Split
from ecg_keras.data.identities import population
from ecg_keras.data.preparation import prepare
from ecg_keras.data.raw_files import digest_of, raw_digest
from ecg_keras.data.shard_folders import dataset_fingerprint
from ecg_keras.errors import DataError
from ecg_keras.sources import choose_files, source_of

# what people and programs leave beside recordings
STRANGERS = ("metadata3.csv", "README.md", "notes.xlsx", "old/labels.csv", "figures/page.png")


def leave(root, *names):
    for name in names:
        (root / name).parent.mkdir(exist_ok=True, parents=True)
        (root / name).write_text("file,AF\nx,1\n")


def change(path):
    """Other content, of which every reader of tables and headers says the same."""
    with path.open("ab") as file:
        file.write(b"\n")


def everything(data):
    """All that a source says of a folder."""
    source = source_of(data)
    listed = source.list_records(
        data.raw, label_set=next(iter(source.LABEL_SETS)), sampling_rate=data.sampling_rate
    )
    return [(info, source.read_signal(info).values.tobytes()) for info in listed]


@pytest.fixture(scope="module", params=[name for name in DATABASES if name != "simulated"])
def database(request, tmp_path_factory):
    raw = write_database(request.param, tmp_path_factory.mktemp(request.param) / "raw")
    return Data(source=request.param, raw=raw)


def test_what_a_source_does_not_read_makes_no_other_dataset(database):
    before = digest_of(database)
    leave(database.raw, *STRANGERS)
    assert digest_of(database) == before


def test_a_source_reads_nothing_else_than_it_says(database, tmp_path):
    data = database.model_copy(update={"raw": tmp_path / "raw"})
    shutil.copytree(database.raw, data.raw)
    before = everything(data)
    is_read = choose_files(source_of(data), data.raw, data.sampling_rate)
    kept = 0
    for path in [path for path in data.raw.rglob("*") if path.is_file()]:
        if is_read(path.relative_to(data.raw).as_posix()):
            kept += 1
        else:
            path.unlink()
    assert everything(data) == before
    assert kept >= len(before) or database.source in ("code15", "code_test")


def test_each_file_that_is_read_makes_another_dataset(database):
    is_read = choose_files(source_of(database), database.raw, database.sampling_rate)
    seen = {digest_of(database)}
    for path in sorted(path for path in database.raw.rglob("*") if path.is_file()):
        change(path)
        digest = digest_of(database)
        assert (digest not in seen) == is_read(path.relative_to(database.raw).as_posix()), path
        seen.add(digest)


def test_a_file_whose_name_is_in_capitals_makes_another_dataset_too(database, tmp_path):
    data = database.model_copy(update={"raw": tmp_path / "raw"})
    shutil.copytree(database.raw, data.raw)
    is_read = choose_files(source_of(data), data.raw, data.sampling_rate)
    endings = (".hea", ".mat", ".dat", ".xyz")
    for path in [path for path in data.raw.rglob("*") if path.suffix in endings]:
        counts = is_read(path.relative_to(data.raw).as_posix())
        before = digest_of(data)
        path = path.rename(path.with_suffix(path.suffix.upper()))
        renamed = digest_of(data)
        change(path)
        assert len({before, renamed, digest_of(data)}) == (3 if counts else 1), path


def folder_data(root, **settings):
    return Data(source="folder", raw=root, folder=Folder(**settings) if settings else None)


def test_a_recording_that_no_table_names_makes_no_other_dataset(tmp_path):
    write_folder(tmp_path)
    before = digest_of(folder_data(tmp_path))
    first = next(tmp_path.rglob("*.dat"))
    values = np.zeros((100, 12))
    write_wfdb(first.with_name("unnamed"), values)
    write_csv(tmp_path / "unnamed.csv", values)
    leave(tmp_path, *STRANGERS)
    for ending in (".pdf", ".txt", ".TXT"):
        first.with_suffix(ending).write_text("what was seen in it")
    assert digest_of(folder_data(tmp_path)) == before
    change(first)
    assert digest_of(folder_data(tmp_path)) != before


@pytest.mark.parametrize("name", ["a.dat", "other.dat", "a.ecg", "a.txt", "A.HEA"])
@pytest.mark.parametrize("named", ["sub/a", "sub/a.hea", "sub\\a.dat", "./sub/a"])
def test_signal_files_count_whatever_their_header_calls_them(tmp_path, named, name):
    (tmp_path / "sub").mkdir()
    (tmp_path / "labels.csv").write_text(f"file,patient_id,AF\n{named},p,1\n")
    (tmp_path / "sub" / "a.hea").write_text(f"a 1 500 100\n{name} 16 1000/mV 16 0 0 0 0 II\n")
    (tmp_path / "sub" / name).touch()
    before = digest_of(folder_data(tmp_path))
    change(tmp_path / "sub" / name)
    assert digest_of(folder_data(tmp_path)) != before


def test_the_segments_of_a_record_count_and_no_other_record(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "labels.csv").write_text("file,patient_id,AF\nsub/A,p,1\n")
    (tmp_path / "sub" / "A.hea").write_text("A/2 1 100 105\nA_1 100\n~ 5\n")
    for name in ("A_1", "B_1"):
        (tmp_path / "sub" / f"{name}.hea").write_text(f"{name} 1 100 100\n{name}.dat 16\n")
        (tmp_path / "sub" / f"{name}.dat").touch()
    before = digest_of(folder_data(tmp_path))
    change(tmp_path / "sub" / "B_1.hea")
    change(tmp_path / "sub" / "B_1.dat")
    assert digest_of(folder_data(tmp_path)) == before
    for ending in ("hea", "dat"):
        change(tmp_path / "sub" / f"A_1.{ending}")
        after = digest_of(folder_data(tmp_path))
        assert after != before
        before = after


def test_a_text_that_the_table_names_counts(tmp_path):
    (tmp_path / "labels.csv").write_text("file,patient_id,AF\na.txt,p,1\n")
    (tmp_path / "a.txt").write_text("I,II\n1,2\n")
    before = digest_of(folder_data(tmp_path))
    change(tmp_path / "a.txt")
    assert digest_of(folder_data(tmp_path)) != before


def test_another_table_of_one_folder_makes_another_dataset(tmp_path):
    write_folder(tmp_path)
    shutil.copyfile(tmp_path / "labels.csv", tmp_path / "again.csv")
    tables = (folder_data(tmp_path, table=name) for name in ("labels.csv", "again.csv"))
    first, second = map(digest_of, tables)
    assert first != second


def test_patients_of_two_tables_of_one_folder_are_the_same_people(tmp_path):
    write_folder(tmp_path / "raw", records=12)
    shutil.copyfile(tmp_path / "raw" / "labels.csv", tmp_path / "raw" / "again.csv")
    first, second = (
        prepare(
            folder_data(tmp_path / "raw", table=name, sampling_rate=500, unit="uV").model_copy(
                update={"verify": "off", "quarantine": 0.5, "split": Split(valid=0.3, test=0.3)}
            ),
            tmp_path / name,
        )
        for name in ("labels.csv", "again.csv")
    )
    assert first.fingerprint != second.fingerprint
    assert population(first) == population(second)


def test_a_table_that_is_missing_is_told_before_anything_is_counted(tmp_path):
    (tmp_path / "raw").mkdir()
    with pytest.raises(DataError, match=r"has no labels\.csv or labels\.parquet"):
        dataset_fingerprint(folder_data(tmp_path / "raw"))


def test_a_module_that_does_not_say_what_it_reads_reads_everything(hospital_data, tmp_path):
    raw = tmp_path / "raw"
    shutil.copytree(hospital_data.raw, raw)
    data = hospital_data.model_copy(update={"raw": raw})
    before = digest_of(data)
    assert before == raw_digest(raw)
    leave(raw, "metadata3.csv")
    assert digest_of(data) != before


def test_the_rate_decides_which_files_of_ptbxl_count(tmp_path):
    raw = write_database("ptbxl", tmp_path / "raw")
    other = next(path for path in raw.rglob("records500/**/*.dat"))
    low, high = (Data(source="ptbxl", raw=raw, sampling_rate=rate) for rate in (100, 500))
    before = digest_of(low), digest_of(high)
    change(other)
    assert digest_of(low) == before[0]
    assert digest_of(high) != before[1]
