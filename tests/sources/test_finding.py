"""A database that another source reads is called by its name where it stops or is remarked on."""

import shutil

import pytest
from small_databases import DATABASES
from small_folder import write_folder

from ecg_keras.config import Data, Folder
from ecg_keras.data import prepare
from ecg_keras.errors import DataError
from ecg_keras.formats.wfdb_files import READ_AS_LUDB
from ecg_keras.sources import SOURCES, corpus_of, recognise_database, remarks_of, source_of

SAID = "This looks like {}, which source {} reads: --set data.source={}."


@pytest.mark.parametrize("name", [name for name in SOURCES if corpus_of(name).marks])
def test_each_database_is_known_by_its_files(tmp_path, name):
    DATABASES[name](tmp_path)
    for lacking in ("ludb.csv", "code.csv", "patient001") * (name not in ("ptbxl", "code15")):
        (tmp_path / lacking).touch()  # files of the download that no reader opens
    title = corpus_of(name).title
    assert recognise_database(tmp_path, "folder").strip() == SAID.format(title, name, name)
    assert recognise_database(tmp_path, name) == ""


@pytest.mark.parametrize("name", ["folder", "cpsc2018", "simulated", "incart"])
def test_other_folders_are_called_nothing(tmp_path, name):
    DATABASES[name](tmp_path)
    assert recognise_database(tmp_path, name) == ""


def test_your_own_recordings_look_like_no_database(tmp_path):
    write_folder(tmp_path)
    (tmp_path / "metadata.csv").touch()
    (tmp_path / "RECORDS").touch()
    assert recognise_database(tmp_path, "folder") == ""


def test_a_folder_without_a_labels_table_is_called_by_its_name(tmp_path):
    DATABASES["ptbxl"](tmp_path)
    for table in (None, "mine.csv"):
        data = Data(source="folder", raw=tmp_path, folder=Folder(table=table))
        with pytest.raises(DataError, match=r"looks like PTB-XL, .*--set data\.source=ptbxl\.$"):
            prepare(data, tmp_path.parent / "shards")


def test_a_labels_table_beside_a_database_brings_a_remark(tmp_path):
    write_folder(tmp_path)
    (tmp_path / "ludb.csv").touch()
    (tmp_path / "data").mkdir()
    said = remarks_of(source_of(Data(source="folder", raw=tmp_path)), tmp_path)
    assert f"{tmp_path}: {SAID.format('LUDB', 'ludb', 'ludb')}" in said


@pytest.mark.parametrize("source", ["ludb", "sph", "code15", "ptb_diagnostic", "georgia"])
def test_another_source_says_what_the_folder_looks_like(tmp_path, source):
    DATABASES["ptbxl"](tmp_path)
    with pytest.raises(DataError, match="This looks like PTB-XL, which source ptbxl reads") as said:
        prepare(Data(source=source, raw=tmp_path), tmp_path.parent / "shards")
    assert str(said.value).count("This looks like") == 1


@pytest.mark.real
def test_ludb_as_a_folder_is_read_right_and_called_by_its_name(real_data, tmp_path):
    shutil.copytree(real_data / "ludb", tmp_path / "ludb")
    rows = [f"data/{number},p{number},{number % 2}" for number in range(1, 31)]
    (tmp_path / "ludb" / "labels.csv").write_text("file,patient_id,AF\n" + "\n".join(rows) + "\n")
    said: list[str] = []
    data = Data(source="folder", raw=tmp_path / "ludb")
    dataset = prepare(data, tmp_path / "shards", on_warning=said.append)
    assert dataset.num_records == 30 and not dataset.quarantined and not dataset.repairs
    assert f"{data.raw}: {SAID.format('LUDB', 'ludb', 'ludb')}" in said
    assert any(READ_AS_LUDB in line and "(30 of 30 records" in line for line in dataset.remarks)
