"""PTB-XL: tables, rates and label sets."""

import csv
import shutil
from collections import Counter

import pytest
from small_databases import write_database

from ecg_keras.errors import DataError
from ecg_keras.sources import ptbxl


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return write_database("ptbxl", tmp_path_factory.mktemp("ptbxl") / "raw")


@pytest.fixture
def root(original, tmp_path):
    return shutil.copytree(original, tmp_path / "raw")


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def edit_first_row(root, **cells):
    """Changes cells of the first recording of the table."""
    path = root / "ptbxl_database.csv"
    with path.open(newline="") as stream:
        reader = csv.DictReader(stream)
        columns, rows = reader.fieldnames, list(reader)
    rows[0].update(cells)
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, columns)
        writer.writeheader()
        writer.writerows(rows)


def first(root, label_set="superdiagnostic", sampling_rate=100):
    return ptbxl.list_records(root, label_set=label_set, sampling_rate=sampling_rate)[0]


@pytest.mark.parametrize(
    ("rate", "folder"), [(50, "records100"), (100, "records100"), (100.1, "records500")]
)
def test_the_rate_chooses_the_files(root, rate, folder):
    assert first(root, sampling_rate=rate).path.parts[-3] == folder


def test_the_other_rate_serves_where_only_it_was_downloaded(root):
    shutil.rmtree(root / "records100")
    assert ptbxl.read_signal(first(root, sampling_rate=100)).sampling_rate == 500
    shutil.rmtree(root / "records500")
    with pytest.raises(DataError, match="neither records100 nor records500"):
        first(root)


def test_one_row_is_read_as_its_columns_say(root):
    edit_first_row(
        root, patient_id="15709.0", age="56.0", sex="1", strat_fold="3",
        scp_codes="{'ASMI': 0.0, 'INJAS': 35.0, 'LVH': 100.0, 'ABQRS': 0.0, 'SR': 0.0}",
    )  # fmt: skip
    info = first(root)
    assert (info.record_id, info.patient_id, info.age, info.sex, info.fold) == (
        *("1", "15709", 56.0, "female", 3),
    )
    assert info.labels == ("MI", "HYP")
    assert first(root, "subdiagnostic").labels == ("AMI", "LVH")
    assert first(root, "diagnostic").labels == ("ASMI", "LVH", "INJAS")
    assert first(root, "form").labels == ("ABQRS",)
    assert first(root, "rhythm").labels == ("SR",)
    assert first(root, "all").labels == ("ASMI", "LVH", "INJAS", "ABQRS", "SR")


@pytest.mark.parametrize(("age", "sex"), [("300", ""), ("", ""), ("nan", "")])
def test_hidden_and_missing_ages_and_sexes_are_none(root, age, sex):
    edit_first_row(root, age=age, sex=sex)
    assert first(root).age is None and first(root).sex is None


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"scp_codes": "{'NORMAL': 100.0}"}, "record 1: scp_codes names NORMAL, which scp_stat"),
        ({"scp_codes": "__import__('os').getcwd()"}, "record 1: scp_codes must be a dict"),
        ({"scp_codes": "['NORM']"}, "record 1: scp_codes must be a dict"),
        ({"scp_codes": "{'NORM': 100.0"}, "record 1: scp_codes must be a dict"),
        ({"scp_codes": "{1: 100.0}"}, "record 1: scp_codes must be a dict"),
        ({"sex": "F"}, r"record 1: sex must be 0 \(male\), 1 \(female\) or empty. Received: 'F'"),
        ({"age": "old"}, "record 1: an age must be a number"),
        ({"strat_fold": "ten"}, "record 1: strat_fold must be 1 to 10. Received: 'ten'"),
        ({"strat_fold": "11"}, "record 1: strat_fold must be 1 to 10. Received: '11'"),
        ({"patient_id": ""}, "record 1: .*needs a record_id and a patient_id"),
        ({"ecg_id": "2"}, "record 2 is listed more than once"),
        ({"filename_lr": "../secret"}, "record 1: a file name must stay inside"),
        ({"filename_lr": "/etc/passwd"}, "record 1: a file name must stay inside"),
        ({"filename_lr": ""}, "record 1: a file name must stay inside"),
    ],
)
def test_a_wrong_value_names_the_record(root, cells, message):
    edit_first_row(root, **cells)
    with pytest.raises(DataError, match=f"ptbxl_database.csv: {message}"):
        first(root)


@pytest.mark.parametrize("name", ["ptbxl_database.csv", "scp_statements.csv"])
def test_a_missing_table_is_named(root, name):
    (root / name).unlink()
    with pytest.raises(DataError, match=rf"{name}: No such file.*Set data.raw to the folder"):
        first(root)


def test_missing_columns_are_named_together(root):
    edit(root / "ptbxl_database.csv", "scp_codes", "codes")
    edit(root / "ptbxl_database.csv", "strat_fold", "fold")
    with pytest.raises(DataError, match=r"ptbxl_database.csv: lacks the column scp_codes, strat_f"):
        first(root)
    edit(root / "scp_statements.csv", "diagnostic_class", "class")
    with pytest.raises(DataError, match=r"scp_statements.csv: lacks the column diagnostic_class"):
        first(root)


def test_statements_that_are_not_those_of_ptbxl_are_refused(root):
    edit(root / "scp_statements.csv", "\nASMI,", "\nASMI2,")
    with pytest.raises(
        DataError, match=r"the diagnostic labels differ from PTB-XL's in ASMI, ASMI2"
    ):
        first(root)


def test_the_label_sets_have_their_published_sizes():
    sizes = {name: len(labels) for name, labels in ptbxl.LABEL_SETS.items()}
    assert sizes == {
        "superdiagnostic": 5, "subdiagnostic": 23, "diagnostic": 44, "form": 19, "rhythm": 12,
        "all": 71,
    }  # fmt: skip


# what is known to differ between 1.0.0 and 1.0.3, or was saved otherwise by a reader of the table
@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        # the first releases give ages above 89, the later ones hide them as 300
        ({"age": "95.0"}, {"age": 95.0}),
        ({"age": "300.0"}, {"age": None}),
        ({"age": "89"}, {"age": 89.0}),
        ({"patient_id": "15709.0"}, {"patient_id": "15709"}),
        ({"patient_id": "15709"}, {"patient_id": "15709"}),
        # likelihoods are 0 where none was given
        ({"scp_codes": "{'NORM': 100.0, 'SR': 0.0}"}, {"labels": ("NORM",)}),
        ({"scp_codes": "{'NORM': 100, 'SR': 0}"}, {"labels": ("NORM",)}),
        ({"filename_lr": "records100/21000/21837_lr"}, {"record_id": "1"}),
    ],
)
def test_what_versions_write_differently_means_the_same(root, cells, expected):
    edit_first_row(root, **cells)
    info = first(root)
    assert {name: getattr(info, name) for name in expected} == expected


def test_versions_may_have_more_or_fewer_of_the_other_columns(root):
    path = root / "ptbxl_database.csv"
    with path.open(newline="") as stream:
        reader = csv.DictReader(stream)
        columns, rows = reader.fieldnames, list(reader)
    needed = [*ptbxl.RECORD_COLUMNS, "filename_lr"]
    expected = ptbxl.list_records(root, label_set="all", sampling_rate=100)
    for chosen in (needed[::-1], ["extra", *columns]):
        with path.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, chosen, extrasaction="ignore", restval="x")
            writer.writeheader()
            writer.writerows(rows)
        assert ptbxl.list_records(root, label_set="all", sampling_rate=100) == expected


def test_records_that_a_version_left_out_are_no_error(root):
    path = root / "ptbxl_database.csv"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[:3] + lines[4:]), encoding="utf-8", newline="\r\n")
    infos = ptbxl.list_records(root, label_set="superdiagnostic", sampling_rate=100)
    assert len(infos) == len(lines) - 2 and "3" not in {info.record_id for info in infos}
    assert all(ptbxl.read_signal(info).values.shape == (1000, 12) for info in infos)


@pytest.mark.parametrize("spelling", ["AVR", "aVR"])
def test_headers_spell_the_limb_leads_either_way(root, spelling):
    info = first(root)
    header = info.path.with_suffix(".hea")
    header.write_text(header.read_text().replace("AVR", spelling))
    assert ptbxl.read_signal(info).leads[3] == "aVR"


@pytest.mark.real
def test_the_first_500_recordings_have_their_known_counts(real_data):
    infos = ptbxl.list_records(real_data / "ptbxl", label_set="superdiagnostic", sampling_rate=100)
    counts = Counter(label for info in infos for label in info.labels)
    assert counts == {"NORM": 297, "STTC": 96, "CD": 78, "MI": 73, "HYP": 40}
    assert len({info.patient_id for info in infos}) == 466
    assert {info.fold for info in infos} == set(range(1, 11))
    assert all(info.age is None or 0 < info.age < 100 for info in infos)
