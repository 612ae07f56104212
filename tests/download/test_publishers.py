"""What publishers' lists say, and what none may say."""

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from ecg_keras.download.catalogue import (
    CATALOGUE,
    ROOTS,
    FileSet,
    find_published,
    list_unpublished,
)
from ecg_keras.download.publishers import check_paths, list_files, parse_sums
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.sources import SOURCES, corpus_of

SHA = hashlib.sha256(b"").hexdigest()
MD5 = hashlib.md5(b"").hexdigest()
LUDB = replace(find_published("ludb"), always=FileSet({"data/*.dat": 2, "ludb.csv": 1}, 100))


def read(pages):
    """Stands for the network: a page for each URL."""

    def one(url):
        page = pages[url]
        return page if isinstance(page, bytes) else json.dumps(page).encode()

    return one


def sums(*paths):
    return "".join(f"{SHA} {path}\n" for path in paths).encode()


def list_ludb(content, **settings):
    pages = {"https://physionet.org/files/ludb/1.0.1/SHA256SUMS.txt": content}
    return list_files(LUDB, read(pages), **settings)


# ---------------------------------------------------------------- the catalogue


def test_every_source_can_be_downloaded_or_says_why_not():
    assert {*CATALOGUE, *list_unpublished()} == set(SOURCES)
    assert not set(CATALOGUE) & set(list_unpublished())


def test_what_is_fetched_of_chapman_ningbo_has_its_marks():
    fetched = CATALOGUE["chapman_ningbo"].always.files
    for mark in corpus_of("chapman_ningbo").marks:
        assert any(name == mark or name.startswith(f"{mark}/") for name in fetched), mark


@pytest.mark.parametrize("name", CATALOGUE)
def test_an_entry_is_whole(name):
    published = CATALOGUE[name]
    parts = published.chosen()
    assert sum(part.size for part in parts) > 10**6
    assert sum(sum(part.files.values()) for part in parts) > 0
    assert published.page.startswith("https://")
    assert all(
        root.startswith("https://") and root.endswith("/") for root in ROOTS[published.publisher]
    )
    packed = [path for part in parts for path in part.files if re.search(r"\.(zip|gz)$", path)]
    assert bool(packed) == bool(published.archives)
    assert all(part.unpacked for part in parts if set(part.files) & set(packed))


def test_the_page_about_downloads_has_the_same_table():
    page = (Path(__file__).parents[2] / "docs" / "download.md").read_text(encoding="utf-8")
    lines = [line for line in page.splitlines() if line.startswith("| `")]
    rows = {line.split("`")[1]: line.split(" | ") for line in lines}
    assert set(rows) == set(CATALOGUE)
    for name, published in CATALOGUE.items():
        files = sum(sum(part.files.values()) for part in published.chosen())
        assert rows[name][2] == f"{files:,}", name
        assert "the same" in rows[name][1] or published.place in rows[name][1], name


def test_what_is_not_published_says_what_to_do():
    with pytest.raises(ConfigError, match=r"simulated can't be downloaded: .*ecg-keras simulate"):
        find_published("simulated")
    with pytest.raises(ConfigError, match=r"no database to download named 'ptb_xl'\. .*'ptbxl'"):
        find_published("ptb_xl")


def test_parts_are_chosen_by_name():
    ptbxl = find_published("ptbxl")
    assert ptbxl.chosen(("records100", "records100")) == (
        ptbxl.always,
        ptbxl.parts["records100"],
    )
    assert len(ptbxl.chosen()) == 3
    with pytest.raises(ConfigError, match="no part named 'records50'"):
        ptbxl.chosen(("records50",))
    with pytest.raises(ConfigError, match=r"has no parts: leave out --only\. Received: data"):
        LUDB.chosen(("data",))


def test_the_challenge_is_its_sets():
    challenge = find_published("challenge")
    recordings = {name: max(part.files.values()) for name, part in challenge.parts.items()}
    assert sum(recordings.values()) == 88_253  # as published
    assert recordings["georgia"] == 10_344


# ---------------------------------------------------------------- PhysioNet


def test_a_list_of_physionet_becomes_files():
    files = list_ludb(sums("RECORDS", "ludb.csv", "data/2.dat", "data/1.dat", "data/1.atr"))
    assert [file.path for file in files] == ["data/1.dat", "data/2.dat", "ludb.csv"]
    assert files[0].url == "https://physionet.org/files/ludb/1.0.1/data/1.dat"
    assert files[0].checksum == f"sha256:{SHA}"
    assert (files[0].size, files[0].folder_inside) == (None, None)


def test_the_real_list_of_ludb_is_read(real_data):
    content = (real_data / "ludb" / "SHA256SUMS.txt").read_bytes()
    pages = {"https://physionet.org/files/ludb/1.0.1/SHA256SUMS.txt": content}
    files = list_files(find_published("ludb"), read(pages))
    assert len(files) == 2801
    here = [file for file in files if (real_data / "ludb" / file.path).is_file()]
    assert len(here) == 401
    for file in here[:5]:
        found = hashlib.sha256((real_data / "ludb" / file.path).read_bytes()).hexdigest()
        assert file.checksum == f"sha256:{found}"


def test_a_set_of_the_challenge_lies_at_the_top_of_its_folder():
    georgia = replace(find_published("georgia"), always=FileSet({"training/georgia/*.hea": 1}, 1))
    base = "https://physionet.org/files/challenge-2021/1.0.3/"
    listed = sums("training/georgia/g1/E00001.hea", "training/ptb/g1/S0001.hea")
    (file,) = list_files(georgia, read({f"{base}SHA256SUMS.txt": listed}))
    assert file.path == "g1/E00001.hea"
    assert file.url == f"{base}training/georgia/g1/E00001.hea"


def test_a_mirror_takes_the_place_of_the_publisher():
    pages = {
        "http://here/copy/ludb/1.0.1/SHA256SUMS.txt": sums("ludb.csv", "data/1.dat", "data/a b.dat")
    }
    files = list_files(LUDB, read(pages), mirror="http://here/copy")
    assert files[1].url == "http://here/copy/ludb/1.0.1/data/a%20b.dat"


def test_a_list_that_was_cut_off_is_noticed():
    with pytest.raises(DataError, match=r"has 1 files data/\*\.dat and must have 2\. It was cut"):
        list_ludb(sums("ludb.csv", "data/1.dat"))


@pytest.mark.parametrize(
    "line", ["<html>", "0" * 63 + " a", "0" * 64, "g" * 64 + " a", "0" * 64 + "a", "0" * 64 + " "]
)
def test_a_line_of_another_form_is_named(line):
    with pytest.raises(DataError, match=r"SHA256SUMS.txt: line 2 is not 64 hexadecimal digits"):
        list_ludb(sums("ludb.csv") + line.encode() + b"\n")


def test_forms_of_lines():
    text = f"{SHA.upper()}  ./a\n{SHA} *b\n\n{SHA} c d\r\n"
    assert parse_sums(text, "here") == dict.fromkeys(("a", "b", "c d"), f"sha256:{SHA}")


def test_two_checksums_for_one_path_are_refused():
    with pytest.raises(DataError, match="line 2: a has two checksums"):
        parse_sums(f"{SHA} a\n{'0' * 64} a\n", "here")
    assert len(parse_sums(f"{SHA} a\n{SHA} a\n", "here")) == 1


def test_a_list_that_is_no_text_is_refused():
    with pytest.raises(DataError, match=r"SHA256SUMS.txt: not text"):
        list_ludb(b"\xff\xfe")


@pytest.mark.parametrize(
    "path",
    [
        "data/../../x.dat",
        "data/../.dat",
        "data/a:b.dat",
        "data/a\\b.dat",
        "data/\x1b[2J.dat",
        "data/a\u202e.dat",
    ],
)
def test_a_path_that_leads_elsewhere_is_refused(path):
    with pytest.raises(DataError, match="Nothing was fetched"):
        list_ludb(sums("ludb.csv", "data/1.dat", path))


def test_a_path_into_the_downloads_own_folder_is_refused():
    for path in ("/etc/passwd", "../x", ".download/lock", ""):
        with pytest.raises(DataError, match="Nothing was fetched"):
            check_paths([path], "here")
    with pytest.raises(DataError, match="a is both a file and a folder"):
        check_paths(["a", "a/b"], "here")
    with pytest.raises(DataError, match="no file may be called 'a'"):
        check_paths(["a", "a"], "here")


@given(st.text(min_size=1, max_size=30))
def test_no_path_that_passes_leads_out_of_its_folder(path):
    try:
        check_paths([path], "here")
    except DataError:
        return
    assert (Path("/root/folder") / path).resolve().is_relative_to("/root/folder")
    assert "\n" not in path


@given(st.binary(max_size=300))
def test_nothing_but_our_own_errors_comes_of_a_list(content):
    for name in ("ludb", "code15", "sph"):
        with pytest.raises(DataError):
            list_files(find_published(name), lambda url: content)


# ---------------------------------------------------------------- Zenodo and figshare

CODE_TEST = "https://zenodo.org/api/records/3765780"


def zenodo(**changes):
    item = {"key": "data.zip", "size": 7, "checksum": f"md5:{MD5}", "links": {"self": "file:///x"}}
    return {"id": 3765780, "files": [item | changes]}


def test_a_record_of_zenodo_becomes_files():
    (file,) = list_files(find_published("code_test"), read({CODE_TEST: zenodo()}))
    assert file.url == "https://zenodo.org/records/3765780/files/data.zip?download=1"
    assert (file.path, file.checksum, file.size) == ("data.zip", f"md5:{MD5}", 7)
    assert file.folder_inside == "data/"
    assert file.unpacked > 300_000_000


@pytest.mark.parametrize(
    ("page", "message"),
    [
        (b"<html>", "something that is no JSON"),
        (b"[" * 100_000, "something that is no JSON"),
        ([], "needs 'files' of type list"),
        ({"files": ["x"]}, "needs 'key' of type str"),
        (zenodo(checksum="sha1:" + "0" * 40), "a checksum must be md5: or sha256:"),
        (zenodo(checksum="md5:123"), "a checksum must be md5: or sha256:"),
        (zenodo(size=-1), "a size must not be negative"),
        (zenodo(size="7"), "needs 'size' of type int"),
        (zenodo(size=True), "needs 'size' of type int"),
        (zenodo(key="other.zip"), "has 0 files data.zip and must have 1"),
    ],
)
def test_a_record_of_another_form_is_refused(page, message):
    with pytest.raises(DataError, match=rf"https://zenodo.org/.*{message}"):
        list_files(find_published("code_test"), read({CODE_TEST: page}))


def test_a_collection_of_figshare_becomes_files():
    base = "https://api.figshare.com/v2"
    names = ["metadata.csv", "code.csv", "records.tar.gz", "rule.pdf"]
    pages = {
        f"{base}/collections/5779802/articles?page_size=100": [
            {"id": number} for number in range(4)
        ]
    }
    for number, name in enumerate(names):
        item = {"id": 70 + number, "name": name, "size": number, "computed_md5": MD5.upper()}
        pages[f"{base}/articles/{number}/files"] = [item | {"download_url": "file:///x"}]
    files = list_files(find_published("sph"), read(pages))
    assert [file.path for file in files] == ["code.csv", "metadata.csv", "records.tar.gz"]
    assert files[2].url == "https://ndownloader.figshare.com/files/72"
    assert [file.folder_inside for file in files] == [None, None, ""]
    assert {file.checksum for file in files} == {f"md5:{MD5}"}


@pytest.mark.parametrize("page", [{}, [{"id": 1}] * 100])
def test_a_collection_that_is_no_short_list_is_refused(page):
    with pytest.raises(DataError, match="must be a list of fewer than 100 articles"):
        list_files(find_published("sph"), lambda url: json.dumps(page).encode())


def test_an_article_that_is_no_list_is_refused():
    answers = iter([b'[{"id": 1}]', b"{}"])
    with pytest.raises(DataError, match="articles/1/files: must be a list of files"):
        list_files(find_published("sph"), lambda url: next(answers))
