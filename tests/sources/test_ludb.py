"""LUDB: diagnoses in words, and gains that are none."""

from collections import Counter

import numpy as np
import pytest
from small_databases import microvolts, write_ludb_record

from ecg_keras.errors import DataError
from ecg_keras.labels import read_table
from ecg_keras.sources import ludb


def list_one(root, texts, label_set="superdiagnostic", **fields):
    write_ludb_record(root, 7, texts, **fields)
    return ludb.list_records(root, label_set=label_set, sampling_rate=500)[0]


@pytest.mark.parametrize(
    ("texts", "labels"),
    [
        (["Rhythm: Sinus rhythm", "Electric axis of the heart: vertical"], ("NORM",)),
        (["Rhythm: Sinus bradycardia", "Early repolarization syndrome"], ("NORM",)),
        (["Rhythm: Atrial fibrillation"], ()),
        (["Rhythm: Sinus rhythm", "Electric axis of the heart: left axis deviation"], ()),
        (["Rhythm: Sinus rhythm", "STEMI: apical", "Scar formation: septal"], ("MI",)),
        (["Rhythm: Sinus rhythm", "Undefined ischemia/scar/supp.NSTEMI: septal"], ("STTC",)),
        (["I degree AV block", "Right atrial overload", "Ischemia: apical"], ("STTC", "HYP", "CD")),
        (["rhythm: sinus RHYTHM"], ("NORM",)),
    ],
)
def test_texts_have_their_classes(tmp_path, texts, labels):
    assert list_one(tmp_path, texts).labels == labels


def test_the_other_label_sets(tmp_path):
    texts = ["Rhythm: Irregular sinus rhythm", "UNIpolar ventricular pacing", "Ischemia: septal"]
    assert list_one(tmp_path, texts, "rhythm").labels == ("SARRH", "PACE")
    assert list_one(tmp_path, texts, "diagnoses").labels == ("ISC", "PACE")


def test_an_unlisted_text_is_named(tmp_path):
    with pytest.raises(DataError, match=r"7.hea: no table lists the diagnosis 'Dextrocardia'"):
        list_one(tmp_path, ["Rhythm: Sinus rhythm", "Dextrocardia"])
    with pytest.raises(DataError, match=r"7.hea: no diagnosis"):
        list_one(tmp_path, [])
    with pytest.raises(DataError, match=r"7.hea: sex must be"):
        list_one(tmp_path, ["Rhythm: Sinus rhythm"], sex="robot")


def test_every_meaning_of_the_table_is_a_label():
    for label_set, column in ludb.COLUMNS.items():
        meanings = {row[column] for row in read_table("ludb")} - {""}
        assert meanings == set(ludb.LABEL_SETS[label_set]) - {"NORM"}


def test_the_integers_are_microvolts_whatever_span_the_header_calls_a_gain(tmp_path):
    info = list_one(tmp_path, ["Rhythm: Sinus rhythm"])
    values = ludb.read_signal(info).values
    np.testing.assert_allclose(values, microvolts(7, 5000) / 1000, rtol=1e-6)


def test_gains_of_another_kind_are_refused(tmp_path):
    info = list_one(tmp_path, ["Rhythm: Sinus rhythm"])
    header = tmp_path / "data" / "7.hea"
    lines = header.read_text().splitlines()
    lines[1] = "7.dat 16 200/mV 0 0 0 0 0 i"
    header.write_text("\n".join(lines))
    with pytest.raises(DataError, match=r"7.hea: the gains are neither each lead's span"):
        ludb.read_signal(info)


def test_a_file_that_an_apple_computer_writes_beside_another_is_no_recording(tmp_path):
    list_one(tmp_path, ["Rhythm: Sinus rhythm"])
    (tmp_path / "data" / "._7.hea").write_bytes(b"\0\5\x16\7\0\2")
    infos = ludb.list_records(tmp_path, label_set="rhythm", sampling_rate=500)
    assert [info.record_id for info in infos] == ["7"]


@pytest.mark.real
def test_the_real_database_has_its_counts_and_uses_every_text(real_data):
    def count(label_set):
        infos = ludb.list_records(real_data / "ludb", label_set=label_set, sampling_rate=500)
        return Counter(label for info in infos for label in info.labels)

    assert count("superdiagnostic") == {"NORM": 32, "MI": 23, "STTC": 86, "HYP": 142, "CD": 66}
    assert count("rhythm") == {
        "SR": 143, "SBRAD": 25, "AFIB": 15, "SARRH": 10, "PACE": 10, "STACH": 4, "SVARR": 3,
        "AFLT": 3,
    }  # fmt: skip
    assert set(count("diagnoses")) == set(ludb.LABEL_SETS["diagnoses"])
    headers = "\n".join(path.read_text() for path in (real_data / "ludb" / "data").glob("*.hea"))
    assert all(row["text"] in headers for row in read_table("ludb"))
