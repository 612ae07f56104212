"""Ages, sexes and paths as databases write them."""

from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from ecg_keras.errors import DataError
from ecg_keras.sources.fields import parse_age, parse_age_band, parse_sex, path_inside, read_rows


@given(st.one_of(st.floats().map(str), st.integers().map(str), st.text(max_size=8)))
def test_an_age_is_one_of_a_person_or_unknown_or_refused(text):
    try:
        age = parse_age(text)
    except DataError:
        return
    assert age is None or 0 <= age <= 120


@given(
    st.lists(
        st.sampled_from(["a", "..", ".", "", "b.dat", "\\", "c:", "d\0", "e\ud800"]), max_size=4
    )
)
def test_no_name_leads_out_of_the_root(parts):
    root = Path("/data/ecg")
    try:
        path = path_inside(root, "/".join(parts))
    except DataError as error:
        assert "must stay inside /data/ecg" in str(error)
    else:
        assert path.resolve().is_relative_to(root) and path != root
        assert not path.exists()  # a name that no system takes would raise


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "it names no file"),
        ("./", "it names no file"),
        ("/etc/passwd", "it begins at the root of a disk"),
        ("c:x.dat", "it begins at the root of a disk"),
        ("a/../b", r"it climbs with '\.\.'"),
        ("a\\b", "it holds a backslash"),
        ("a\tb", r"it holds '\\t', which can't be printed"),
        ("a\u202eb", r"it holds '\\u202e', which can't be printed"),
    ],
)
def test_a_refused_name_says_why(name, reason):
    with pytest.raises(DataError, match=rf"must stay inside db: {reason}\. Received: "):
        path_inside(Path("db"), name)


@pytest.mark.parametrize(
    "name", ["2024-01-01T10:00:00.csv", "1:2.csv", "with space", "a\u00a0b", "M\u00fcller"]
)
def test_unusual_names_that_are_no_harm_are_taken(name):
    assert path_inside(Path("db"), f"x/{name}") == Path("db") / "x" / name


def test_other_texts_are_named():
    with pytest.raises(DataError, match="Received: 'old'"):
        parse_age("old")
    with pytest.raises(DataError, match="Received: '2'"):
        parse_sex("2")


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("050Y", 50), ("006M", 0.5), ("6 months", 0.5), ("026W", 26 / 52.18), ("073D", 73 / 365.25),
        ("56 years", 56), ("56y", 56), ("56,5", 56.5), (" 7 ", 7), ("0", 0), ("12 Monate", 1),
        (">89", None), ("> 89", None), ("90+", None), ("\u226590", None), (">=90", None),
        ("300", None), ("999", None), ("-1", None), ("NA", None), ("N/A", None), ("None", None),
        ("-", None), ("unknown", None), ("U", None), ("", None),
        ("<1", 0.5), ("< 1 year", 0.5), ("<1y", 0.5), ("6 mo", 0.5), ("6mo", 0.5),
        ("045M", 3.75), ("85 and over", None), ("90 or older", None), ("85 years and over", None),
    ],
)  # fmt: skip
def test_ages_as_devices_and_people_write_them(text, age):
    assert parse_age(text) == (age if age is None else pytest.approx(age))


@pytest.mark.parametrize(
    ("text", "age"),
    [("60-69", 65), ("60 \u2013 69", 65), ("18 to 30 years", 24.5), ("0-9", 5), ("40-50y", 45.5)],
)
def test_a_band_of_years_is_read_as_its_middle(text, age):
    assert parse_age(text) == parse_age_band(text) == age


@pytest.mark.parametrize(
    "text",
    ["<2", "<1 month", "18 and over", "45M", "6m", "6,5m", "1234m",
     "6 m", "45 M", "+45M", "045 M", "45W", "45 w", "6,5 W",
     ">18", "18+", "50-40", "40-40", "90-150", "6-12 months", "02.03.1950", "1950-03-02",
     "6 q", "60-"],
)  # fmt: skip
def test_what_is_no_age_is_refused(text):
    with pytest.raises(DataError, match=r"an age must be a number of years\. .* as 056Y .* 60-69"):
        parse_age(text)


def test_a_number_and_a_letter_may_be_an_age_and_a_sex():
    for text in ("45M", "45 W"):
        with pytest.raises(
            DataError, match=f"'{text}'.* months here or male, and W weeks or female: write 6 month"
        ):
            parse_age(text)


def test_sexes_as_tables_write_them():
    for text in ("M", "male", "Mann", "m\u00e4nnlich", "homme", "Uomo", "Var\u00f3n", "M."):
        assert parse_sex(text) == "male"
    for text in ("F", "W", "weiblich", "Frau", "femme", "Femenino", "donna", "f."):
        assert parse_sex(text) == "female"
    for text in ("U", "O", "unknown", "NA", "None", "?", "-", "", "X", "D", "divers"):
        assert parse_sex(text) is None
    for text in (
        "\u7537",
        "\u043c",
        "\u041c",
        "masc",
        "Masculine",
        "ma\u0308nnlich",
        "VARO\u0301N",
    ):
        assert parse_sex(text) == "male"
    for text in ("\u5973", "\u0436", "\u0416", "fem", "feminine", "fe\u0301minin"):
        assert parse_sex(text) == "female"
    for text in ("unbekannt", "Not specified"):
        assert parse_sex(text) is None
    for text in ("H", "V", "K"):  # one sex in one language, and the other in another
        with pytest.raises(DataError, match="sex must be male, female"):
            parse_sex(text)
    # a cell that was quoted twice
    assert (parse_sex("'Male'"), parse_sex('"f"'), parse_age("'3652d'")) == (
        "male", "female", pytest.approx(3652 / 365.25),
    )  # fmt: skip
    for text in ("0", "1", "2", "1.0"):
        with pytest.raises(DataError, match="0 and 1 mean male in some tables, and female in oth"):
            parse_sex(text)


def test_rows_are_text_by_column(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes('\ufeff,age,name\r\n7,56,"a, b"\r\n8,,\r\n9\r\n'.encode())
    assert read_rows(path, ["", "age"]) == [
        {"": "7", "age": "56", "name": "a, b"},
        {"": "8", "age": "", "name": ""},
        {"": "9", "age": "", "name": ""},
    ]


@pytest.mark.parametrize("separator", ";\t")
def test_a_table_that_a_spreadsheet_saved_again_is_read(tmp_path, separator):
    path = tmp_path / "table.csv"
    rows = ["ecg_id,scp_codes", "7,\"{'AF': 1, 'SR': 0}\""]
    path.write_text("\n".join(row.replace(",", separator, 1) for row in rows), "utf-8-sig")
    assert read_rows(path, ["ecg_id"]) == [{"ecg_id": "7", "scp_codes": "{'AF': 1, 'SR': 0}"}]


def test_a_table_in_a_folder_below_is_found(tmp_path):
    table = tmp_path / "download" / "data" / "annotations" / "gold.csv"
    table.parent.mkdir(parents=True)
    table.touch()
    with pytest.raises(DataError, match=rf"--set data\.raw={tmp_path}/download/data\.$"):
        read_rows(tmp_path / "annotations" / "gold.csv", ["AF"], tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"table.csv: No such file.*Set data.raw to the folder of the database that holds"),
        (b"\xff\xfe\x00\x01", r"table.csv: not a CSV file: .*Download it again"),
        (b"name\n", r"table.csv: lacks the column \(unnamed first\), age. Download it again"),
        (b"name,sex\n", r"Download it again. It has: name, sex\."),
        (b"", r"table.csv: lacks the column \(unnamed first\), age"),
    ],
)
def test_what_is_no_such_table_is_named(tmp_path, content, message):
    path = tmp_path / "table.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_rows(path, ["", "age"])


def test_where_a_table_is_that_is_missing(tmp_path):
    with pytest.raises(DataError, match=r"that holds it\.$"):
        read_rows(tmp_path / "nowhere" / "t.csv", [])
    with pytest.raises(DataError, match=r"that holds it\.$"):
        read_rows(tmp_path / "t.csv", [])
    (tmp_path / "ptb-xl.ZIP").touch()
    with pytest.raises(DataError, match=r"that holds it\. ptb-xl\.ZIP is there: unpack it\.$"):
        read_rows(tmp_path / "t.csv", [])
    inside = tmp_path / "physionet.org" / "ptb-xl-1.0.3"
    inside.mkdir(parents=True)
    (inside / "t.csv").write_text("a\n")
    with pytest.raises(DataError, match=rf" There is one in {inside}: --set data\.raw={inside}\.$"):
        read_rows(tmp_path / "t.csv", [])
    assert read_rows(inside / "t.csv", ["a"]) == []


def test_what_is_beside_a_folder_that_is_missing_is_not_taken_for_it(tmp_path):
    (tmp_path / "x" / "ptbxl").mkdir(parents=True)
    (tmp_path / "x" / "ptbxl" / "t.csv").touch()
    (tmp_path / "other.zip").touch()
    with pytest.raises(DataError, match=r"that holds it\.$"):
        read_rows(tmp_path / "ptbxl" / "t.csv", [])
    (tmp_path / "PTBXL-1.0.3.zip").touch()
    with pytest.raises(DataError, match=r"that holds it\. PTBXL-1\.0\.3\.zip is there: unpack it"):
        read_rows(tmp_path / "ptbxl" / "t.csv", [])
