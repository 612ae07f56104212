"""The format of the PhysioNet/CinC Challenge, its classes, and its sets."""

import csv
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from small_databases import write_challenge_record, write_challenge_set, write_database

from ecg_keras import sources
from ecg_keras.config import Data
from ecg_keras.data.conversion import convert
from ecg_keras.data.source_check import Verified
from ecg_keras.errors import DataError
from ecg_keras.sources import find_source, recognise_database
from ecg_keras.sources.challenge_format import SCORED

challenge, chapman, cpsc2018, georgia, incart, ningbo, ptb = map(
    find_source, ("challenge", "chapman", "cpsc2018", "georgia", "incart", "ningbo", "ptb")
)


def list_one(root, **fields):
    write_challenge_record(root, "A0001", **{"dx": "426783006", **fields})
    return cpsc2018.list_records(root, label_set="cpsc2018", sampling_rate=500)[0]


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("dx", "labels"),
    [
        ("426783006", ("NORM",)),
        ("59118001,164889003", ("AF", "RBBB")),
        (" 59118001 , 164889003 ", ("AF", "RBBB")),
        ("284470004,284470004", ("PAC",)),
        ("164889003,", ("AF",)),
        ("164889003,,59118001", ("AF", "RBBB")),
        ("428750005", ()),
        ("251238007,6180003,251211000", ()),
    ],
)
def test_diagnoses_are_a_set_of_codes(tmp_path, dx, labels):
    assert list_one(tmp_path, dx=dx).labels == labels


def test_a_folder_that_may_not_be_read_is_left_out(tmp_path, monkeypatch):
    write_challenge_set(tmp_path, ["E00001", "E00002"])
    (tmp_path / "lost+found").mkdir()
    listing = os.scandir

    def refuse(folder):
        if Path(folder).name == "lost+found":
            raise PermissionError(13, "Permission denied", str(folder))
        return listing(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    infos = georgia.list_records(tmp_path, label_set="challenge2021", sampling_rate=500)
    assert [info.record_id for info in infos] == ["E00001", "E00002"]


@pytest.mark.parametrize("spelling", ["#Dx:", "# Dx: ", "#Dx : "])
def test_the_diagnosis_line_has_several_spellings(tmp_path, spelling):
    list_one(tmp_path)
    edit(tmp_path / "A0001.hea", "#Dx: ", spelling)
    edit(tmp_path / "A0001.hea", "\n", "\r\n")
    infos = cpsc2018.list_records(tmp_path, label_set="cpsc2018", sampling_rate=500)
    assert infos[0].labels == ("NORM",) and infos[0].sex == "female"
    assert cpsc2018.read_signal(infos[0]).values.shape == (5000, 12)


@pytest.mark.parametrize(
    ("age", "years"), [("56", 56), ("NaN", None), ("-1", None), ("300", None), ("0", 0)]
)
def test_ages_that_are_unknown_are_none(tmp_path, age, years):
    assert list_one(tmp_path, age=age).age == years


@pytest.mark.parametrize(
    ("text", "sex"), [("Male", "male"), ("F", "female"), ("NaN", None), ("Unknown", None)]
)
def test_sexes_have_several_spellings(tmp_path, text, sex):
    assert list_one(tmp_path, sex=text).sex == sex


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"dx": "426783006,99"}, "A0001.hea: #Dx names 99, which no table of the Challenge lists"),
        ({"dx": "NORM"}, "A0001.hea: #Dx names NORM, which no table"),
        ({"dx": "NORM"}, r"Correct the header\. .* by data\.source: folder"),
        ({"dx": ""}, "A0001.hea: no diagnosis: .* by data.source: folder"),
        ({"sex": "robot"}, "A0001.hea: sex must be male, female, M, F or unknown"),
        ({"age": "adult"}, "A0001.hea: an age must be a number of years. Received: 'adult'"),
    ],
)
def test_a_wrong_value_names_the_header(tmp_path, fields, message):
    with pytest.raises(DataError, match=message):
        list_one(tmp_path, **fields)


SIGNALS = "A0001 12 500 5000\n" + "A0001.mat 16+24 1000/mV 16 0 28 -1716 0 I\n" * 12


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty, or ends before its comments: download it again"),
        (SIGNALS[:40], "empty, or ends before its comments: download it again"),
        (SIGNALS[: SIGNALS.rfind("A0001.mat")], "empty, or ends before its comments"),
        (SIGNALS[:-9], r"no diagnosis: .* Download it again if .* by data\.source: folder"),
        (SIGNALS, r"no diagnosis: .* Download it again if .* by data\.source: folder"),
        ("A0001/2 12 500 5000\nA1 2500\n", "empty, or ends before its comments"),
        ("A0001/2 12 500 5000\nA1 2500\nA2 2500\n", "no diagnosis: .* Download it again if"),
        ("notes on this folder\n", "no diagnosis: "),
        ("\n<!DOCTYPE html>\n<style>\n#top {}\n", "a web page, no header: download it again"),
        ("A0001 12 500 5000\n#Age: 56\n", r"no diagnosis: .* `#Dx: code,code`\. Recordings with"),
    ],
)
def test_only_a_header_that_is_not_whole_is_to_be_downloaded_again(tmp_path, text, message):
    list_one(tmp_path)
    (tmp_path / "A0001.hea").write_text(text)
    with pytest.raises(DataError, match=f"A0001.hea: {message}"):
        cpsc2018.list_records(tmp_path, label_set="cpsc2018", sampling_rate=500)


def test_the_faulty_gains_of_the_first_release_are_refused(tmp_path):
    info = list_one(tmp_path)
    edit(tmp_path / "A0001.hea", "1000/mV", "4880/mV")
    with pytest.raises(DataError, match=r"gain is 1000 for each mV. Received: \[4880.0\].*2020"):
        cpsc2018.read_signal(info)


def test_the_gain_of_what_is_no_lead_does_not_matter(tmp_path):
    info = list_one(tmp_path)
    edit(tmp_path / "A0001.hea", " 0 0 V6\n", " 0 0 V3R\n")
    assert cpsc2018.read_signal(info).leads[-1] == "V5"


def test_records_of_another_set_are_refused(tmp_path):
    write_challenge_set(tmp_path / "cpsc_2018", ["A0001", "A0002"])
    write_challenge_set(tmp_path / "georgia", ["E00001"])
    with pytest.raises(DataError, match=r"georgia/g1/E00001 is no recording of cpsc_2018"):
        cpsc2018.list_records(tmp_path, label_set="cpsc2018", sampling_rate=500)


@pytest.mark.parametrize(
    ("source", "inside", "outside"),
    [
        (chapman, ["JS00001", "JS09999", "JS10646"], ["JS10647", "JS11000", "JS45551"]),
        (
            ningbo,
            ["JS10647", "JS10999", "JS20000", "JS45551", "S23074"],
            ["JS00001", "JS10646", "JS10599", "S23075", "S0001"],
        ),
    ],
)
def test_chapman_ends_where_ningbo_begins(tmp_path, source, inside, outside):
    write_challenge_set(tmp_path / "inside", inside)
    infos = source.list_records(tmp_path / "inside", label_set="rhythm", sampling_rate=500)
    assert [info.record_id for info in infos] == inside
    for name in outside:
        write_challenge_set(tmp_path / name, [name])
        with pytest.raises(DataError, match=f"{name} is no recording of"):
            source.list_records(tmp_path / name, label_set="rhythm", sampling_rate=500)


def test_chapman_and_ningbo_together_are_read_but_for_their_two_damaged_headers(tmp_path):
    folder = tmp_path / "WFDBRecords"
    for name in ("JS00001", "JS01052", "JS23074"):
        write_challenge_record(folder / name[2:4] / name[2:5], name, dx="426177001")
    # a new line is lost, in one of them with what was around it
    edit(folder / "01/010/JS01052.hea", "0 12-May-2020 12:33:59\nJS01052.mat 16+24 1", "00")
    edit(folder / "23/230/JS23074.hea", "JS23074 12 500 5000 12-May-2020 12:33:59\n", "S23074 12 ")
    (tmp_path / "ConditionNames_SNOMED-CT.csv").touch()
    chapman_ningbo = find_source("chapman_ningbo")
    infos = chapman_ningbo.list_records(tmp_path, label_set="rhythm", sampling_rate=500)
    assert [(info.record_id, info.labels) for info in infos] == [
        (name, ("SB",)) for name in ("JS00001", "JS01052", "JS23074")
    ]
    assert chapman_ningbo.read_signal(infos[0]).values.shape == (5000, 12)
    for info in infos[1:]:
        with pytest.raises(DataError, match=f"{info.record_id}.hea: its first line"):
            chapman_ningbo.read_signal(info)
    with pytest.raises(DataError, match="JS00001 is no recording of ningbo"):
        ningbo.list_records(tmp_path, label_set="rhythm", sampling_rate=500)
    assert "source chapman_ningbo reads" in recognise_database(tmp_path, "ningbo")


def test_a_record_that_is_there_twice_is_refused_in_one_set_and_told_apart_in_all(tmp_path):
    for folder in ("g1", "g2"):
        write_challenge_record(tmp_path / folder, "E00001", dx="426783006")
    with pytest.raises(DataError, match=r"E00001 is there twice: g[12]/E00001 and g[12]/E00001"):
        georgia.list_records(tmp_path, label_set="georgia", sampling_rate=500)
    infos = challenge.list_records(tmp_path, label_set="challenge2021", sampling_rate=500)
    assert [info.record_id for info in infos] == ["g1/E00001", "g2/E00001"]


def test_a_link_to_a_folder_is_refused_and_not_skipped(tmp_path):
    write_challenge_set(tmp_path / "elsewhere", ["A0001"])
    (tmp_path / "training").mkdir()
    (tmp_path / "training" / "cpsc_2018").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="cpsc_2018: a link to a folder"):
        challenge.list_records(tmp_path / "training", label_set="challenge2021", sampling_rate=500)


def test_names_in_capitals_are_read_and_not_passed_over(tmp_path):
    write_challenge_set(tmp_path, ["A0001", "A0002"])
    for path in sorted(tmp_path.rglob("A0002.*")):
        path.rename(path.with_name(path.name.upper()))
    infos = cpsc2018.list_records(tmp_path, label_set="cpsc2018", sampling_rate=500)
    assert [info.record_id for info in infos] == ["A0001", "A0002"]
    assert len(cpsc2018.read_signal(infos[1]).values) == 5000


@pytest.mark.parametrize(
    ("codes", "label"),
    [
        (("733534002", "164909002"), "LBBB"),
        (("713427006", "59118001"), "RBBB"),
        (("284470004", "63593006"), "PAC"),
        (("427172004", "17338001"), "PVC"),
    ],
)
def test_the_challenge_merges_pairs_of_codes(tmp_path, codes, label):
    for code in codes:
        write_challenge_record(tmp_path, "A0001", dx=code)
        info = cpsc2018.list_records(tmp_path, label_set="challenge2021", sampling_rate=500)[0]
        assert info.labels == (label,)


def test_the_papers_labels_stand_in_its_order():
    assert cpsc2018.LABEL_SETS["cpsc2018"] == (
        *("NORM", "AF", "IAVB", "LBBB", "RBBB", "PAC", "VEB", "STD", "STE"),
    )
    assert georgia.LABEL_SETS["georgia"] == (
        *("NORM", "AF", "IAVB", "SB", "LAD", "STach", "TAb", "TInv", "LQT", "PAC"),
    )
    assert ptb.LABEL_SETS["diagnosis"] == ("NORM", "MI")


def test_incarts_recordings_keep_their_rate_and_one_letter_sexes(tmp_path):
    root = write_database("incart", tmp_path / "raw")
    infos = incart.list_records(root, label_set="incart", sampling_rate=100)
    assert [(info.record_id, info.sex, info.age) for info in infos] == [
        ("I0001", "female", 65),
        ("I0002", "male", 65),
        ("I0075", "female", 65),
    ]
    assert [info.labels for info in infos] == [("VEB", "VPVC"), (), ("VEB", "CHD")]
    assert {incart.read_signal(info).sampling_rate for info in infos} == {257.0}
    with pytest.raises(DataError, match="A0001 is no recording of st_petersburg_incart"):
        write_challenge_set(root, ["A0001"])
        incart.list_records(root, label_set="incart", sampling_rate=100)


@pytest.mark.parametrize(("window", "begin"), [("start", 0), ("centre", 895)])
def test_a_window_of_half_an_hour_is_kept(tmp_path, window, begin):
    """A true recording's length: 30 minutes at 257 Hz, each second at its own level and alive."""
    write_challenge_record(tmp_path, "I0001", dx="164884008", rate=257)
    levels = np.repeat(np.arange(1800) % 7 + 1, 257)[:, None] * 2
    levels[::2] += 4
    values = np.concatenate([levels * factor for factor in (1, 2, 1, -1.5, 0, 1.5, *[1] * 6)], 1)
    (tmp_path / "I0001.mat").write_bytes(bytes(24) + values.astype("<i2").tobytes())
    edit(tmp_path / "I0001.hea", " 257 2570 ", f" 257 {len(values)} ")
    (info,) = incart.list_records(tmp_path, label_set="incart", sampling_rate=100)
    assert incart.read_signal(info).values.shape == (462600, 12)
    data = Data(source="incart", raw=tmp_path, sampling_rate=257, window=window, leads=["I"])
    (kept,) = convert([info], data, Verified())
    expected = levels[begin * 257 : (begin + 10) * 257, 0]
    assert np.array_equal(kept.samples[:, 0], expected)


def test_all_sets_together_hold_incart(tmp_path):
    root = write_database("challenge", tmp_path / "raw")
    infos = challenge.list_records(root, label_set="challenge2021", sampling_rate=100)
    half_hours = [info for info in infos if "st_petersburg_incart" in info.record_id]
    assert len(half_hours) == 3
    assert {challenge.read_signal(info).sampling_rate for info in half_hours} == {257.0}


def test_neighbours_of_the_same_age_and_sex_are_one_patient(tmp_path):
    people = [("S0001", "81", "F"), ("S0002", "81", "Female"), ("S0003", "81", "M")]
    people += [("S0007", "NaN", "M"), ("S0009", "NaN", "M"), ("S0010", "81", "F")]
    for name, age, sex in people:
        write_challenge_record(tmp_path / "ptb", name, dx="426783006", age=age, sex=sex, rate=1000)
    infos = ptb.list_records(tmp_path / "ptb", label_set="diagnosis", sampling_rate=100)
    first = [info.patient_id for info in infos]
    assert first == ["S0001", "S0001", "S0003", "S0007", "S0007", "S0010"]
    # the other sets hold one recording of each person, as far as anyone knows
    for name in ("A0001", "A0002"):
        write_challenge_record(tmp_path / "cpsc_2018", name, dx="426783006", age="81", sex="F")
    half_hours = tmp_path / "st_petersburg_incart"
    write_challenge_record(half_hours, "I0001", dx="426783006", age="81", sex="F", rate=257)
    together = challenge.list_records(tmp_path, label_set="challenge2021", sampling_rate=100)
    assert [info.patient_id for info in together] == [
        "cpsc_2018/A0001",
        "cpsc_2018/A0002",
        *(f"ptb/{name}" for name in first),
        "st_petersburg_incart/I0001",
    ]


@pytest.mark.real
def test_ptbs_recordings_are_of_the_people_of_the_original(real_data):
    """patient001 has three recordings, patient004 two, and patient005 the three that follow."""
    root = real_data / "challenge" / "training" / "ptb"
    infos = ptb.list_records(root, label_set="diagnosis", sampling_rate=100)
    found = [info.patient_id for info in infos]
    names = [f"S{number:04d}" for number in (1, 1, 1, 4, 5, 6, 6, 8, 8, 8)]
    assert found == names


@pytest.mark.real
def test_the_scored_classes_are_the_columns_of_the_weights(real_data):
    with (real_data / "challenge" / "weights.csv").open(newline="") as stream:
        columns = next(csv.reader(stream))[1:]
    assert [set(column.split("|")) for column in columns] == [
        set(codes) for codes in SCORED.values()
    ]
    with (real_data / "challenge" / "dx_mapping_scored.csv").open(newline="") as stream:
        names = {row["SNOMEDCTCode"]: row["Abbreviation"] for row in csv.DictReader(stream)}
    for label, codes in SCORED.items():
        assert label in {names[code] for code in codes}


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "folder", "counts"),
    [
        ("cpsc2018", "cpsc_2018", {"AF": 4, "RBBB": 3, "NORM": 1, "VEB": 1, "STD": 1}),
        ("ptb", "ptb", {"MI": 8, "NORM": 2}),
        ("chapman", "chapman_shaoxing", {"SB": 6, "AFIB": 3, "SR": 1}),
    ],
)
def test_real_headers_have_their_labels(real_data, name, folder, counts):
    source = find_source(name)
    label_set = next(iter(source.LABEL_SETS))
    root = real_data / "challenge" / "training" / folder
    infos = source.list_records(root, label_set=label_set, sampling_rate=500)
    assert Counter(label for info in infos for label in info.labels) == counts


@pytest.mark.parametrize("name", ["georgia", "chapman", "ptbxl_challenge"])
def test_a_set_is_found_by_the_name_of_its_former_module(name):
    with pytest.warns(FutureWarning, match=f"sources.{name} has moved to .*challenge_sets.[A-Z]+;"):
        assert getattr(sources, name) is find_source(name)
    with pytest.raises(AttributeError, match="no attribute 'gorgia'"):
        getattr(sources, "gorgia")  # noqa: B009


def test_files_that_an_apple_computer_writes_beside_others_are_no_recordings(tmp_path):
    write_challenge_set(tmp_path, ["A0001", "A0002"])
    for folder in (tmp_path / "g1", tmp_path / "__MACOSX" / "g1"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "._A0001.hea").write_bytes(b"\0\5\x16\7\0\2")
    for source, label_set in ((cpsc2018, "cpsc2018"), (challenge, "challenge2021")):
        infos = source.list_records(tmp_path, label_set=label_set, sampling_rate=500)
        assert [info.path.name for info in infos] == ["A0001", "A0002"]


def test_an_archive_that_was_not_unpacked_is_named(tmp_path):
    (tmp_path / "georgia.tar.gz").touch()
    with pytest.raises(DataError, match=r"holds no \.hea file.*georgia\.tar\.gz is there: unpack"):
        georgia.list_records(tmp_path, label_set="georgia", sampling_rate=500)
