"""`ecg-keras download` as a user types it, against a publisher on this machine."""

import hashlib
import io
import itertools
import json
import os
import subprocess
import sys
import time
import zipfile
from dataclasses import replace

import pytest
from download_server import serving
from small_databases import write_database

from ecg_keras.download.catalogue import CATALOGUE, FileSet, find_published, list_unpublished
from ecg_keras.download.receiving import MOST_JOBS

RECIPE = """\
mode: scratch
data:
  source: ptbxl
  raw: raw
  seconds: 2
  shards: shards
  split: {method: patients, valid: 0, test: 0.4}
  unlabelled: keep
model: {backbone: gru}
training: {validate_on: test, phases: [{epochs: 1, learning_rate: 1e-3}]}
"""


@pytest.fixture
def site():
    with serving() as site:
        yield site


@pytest.fixture
def ptbxl(site, tmp_path_factory, monkeypatch):
    """Ten recordings of PTB-XL's layout, published."""
    root = write_database("ptbxl", tmp_path_factory.mktemp("published") / "ptbxl")
    paths = [root / "ptbxl_database.csv", root / "scp_statements.csv", *root.glob("rec*/*/*")]
    files = {str(path.relative_to(root)): path.read_bytes() for path in paths}
    site.publish("ptb-xl/1.0.3", files)
    parts = {
        name: FileSet({f"{name}/*.hea": 10, f"{name}/*.dat": 10}, 1_000_000)
        for name in ("records100", "records500")
        if (root / name).is_dir()
    }
    monkeypatch.setitem(CATALOGUE, "ptbxl", replace(find_published("ptbxl"), parts=parts))
    return files


def test_what_can_be_had_is_listed(ecg_keras):
    answer = ecg_keras("download", "--list")
    assert (answer.code, answer.err) == (0, "")
    for name in {**CATALOGUE, **list_unpublished()}:
        assert f"\n{name} " in f"\n{answer.out}"
    assert "46.4 GB       19 files  CODE-15% 1.0.0  [CC BY 4.0]" in answer.out
    assert "parts: exams_part0, exams_part1, ..., exams_part17" in answer.out


def test_a_database_is_fetched_and_prepared(ecg_keras, site, ptbxl, tmp_path):
    arguments = ("download", "ptbxl", "raw", "--mirror", site.url)
    dry = ecg_keras(*arguments, "--dry-run")
    asking = f"ptbxl: asking {site.url} which files belong to it\n"
    assert (dry.code, dry.err) == (0, asking)
    assert f"to fetch     {len(ptbxl):,} files, about " in dry.out
    assert not (tmp_path / "raw").exists()

    answer = ecg_keras(*arguments)
    assert answer.code == 0
    assert "licence      CC BY 4.0\nplease cite  Wagner P" in answer.err
    assert (
        f"ptbxl: {len(ptbxl)} of {len(ptbxl)} files there and verified; fetched now: 42 ("
        in answer.out
    )
    assert answer.out.endswith("recipe       data: {source: ptbxl, raw: raw}\n")
    found = {path: (tmp_path / "raw" / path).read_bytes() for path in ptbxl}
    assert found == ptbxl

    (tmp_path / "recipe.yaml").write_text(RECIPE)
    prepared = ecg_keras("prepare", "recipe.yaml")
    assert prepared.code == 0, prepared.err
    assert "10" in prepared.out

    site.asked.clear()
    again = ecg_keras(*arguments)
    assert (again.code, site.asked) == (0, [])
    assert "fetched now: 0 (0 B)" in again.out


def test_a_mirror_may_stand_in_the_environment(ecg_keras, site, ptbxl, monkeypatch):
    monkeypatch.setenv("ECG_KERAS_MIRROR", site.url)
    assert ecg_keras("download", "ptbxl", "raw", "--dry-run").code == 0
    assert [one.path for one in site.asked] == ["ptb-xl/1.0.3/SHA256SUMS.txt"]


def test_what_failed_is_named_and_the_same_command_goes_on(ecg_keras, site, ptbxl):
    path = next(path for path in ptbxl if path.endswith(".dat"))
    site.fail(f"ptb-xl/1.0.3/{path}", [("status", (404, {}))])
    arguments = ("download", "ptbxl", "raw", "--mirror", site.url)
    answer = ecg_keras(*arguments)
    assert answer.code == 1
    assert f"{path}: {site.url}ptb-xl/1.0.3/{path}: the server answered 404 " in answer.out
    assert f"{len(ptbxl) - 1} of {len(ptbxl)} files there" in answer.out
    assert "the same command fetches what is missing" in answer.out
    answer = ecg_keras(*arguments)
    assert answer.code == 0
    assert "fetched now: 1 (" in answer.out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, "name a database and a folder, or give --list"),
        (("ludb",), 2, "name a database and a folder, or give --list"),
        (("simulated", "raw"), 2, "simulated can't be downloaded: it is written here"),
        (("ptbx", "raw"), 2, "Did you mean 'ptbxl'?"),
        (("ptbxl", "raw", "--only", "records10"), 2, "Did you mean 'records100'?"),
        (("ludb", "raw", "--mirror", "ftp://x"), 2, "begins with https://"),
        # before anything is asked of the network
        (("ludb", "raw", "--jobs", "0"), 2, "0 is not in the range 1<=x<=16"),
        (("ludb", "raw", "--jobs", f"{MOST_JOBS + 1}"), 2, "is not in the range 1<=x<=16"),
    ],
)
def test_what_cannot_be_is_refused(ecg_keras, arguments, code, message, tmp_path):
    answer = ecg_keras("download", *arguments)
    assert (answer.code, message in answer.err) == (code, True), answer.err
    assert not (tmp_path / "raw").exists()


def test_a_publisher_that_sends_a_page_of_a_login_is_told(ecg_keras, site):
    site.files["ludb/1.0.1/SHA256SUMS.txt"] = b"<html>Please sign in</html>"
    answer = ecg_keras("download", "ludb", "raw", "--mirror", site.url)
    assert answer.code == 1
    assert "Is this the publisher's list, or a page of a login or proxy?" in answer.err


def test_a_download_that_was_killed_goes_on_where_it_was(site, tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("data/ecg_tracings.hdf5", tracings := os.urandom(3_000_000))
        archive.writestr("data/attributes.csv", "age,sex\n")
    content = buffer.getvalue()
    checksum = f"md5:{hashlib.md5(content).hexdigest()}"
    listed = {"files": [{"key": "data.zip", "size": len(content), "checksum": checksum}]}
    path = "records/3765780/files/data.zip"
    site.files |= {"api/records/3765780": json.dumps(listed).encode(), path: content}
    site.fail(path, itertools.repeat(("slow", 0.02)))
    command = [
        *(sys.executable, "-c", "from ecg_keras.cli import main; main()"),
        *("download", "code_test", str(tmp_path / "raw"), "--mirror", site.url),
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        limit = time.monotonic() + 30
        while site.sent("data.zip") < 1_000_000 and time.monotonic() < limit:
            time.sleep(0.01)
        process.kill()
    (part,) = (tmp_path / "raw" / ".download").glob("*.part")
    assert (held := part.stat().st_size) > 500_000
    site.faults.clear()
    site.asked.clear()
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, "1 of 1 file there" in done.stdout) == (0, True), done.stderr
    assert site.sent("data.zip") == len(content) - held
    raw = tmp_path / "raw"
    assert (raw / "ecg_tracings.hdf5").read_bytes() == tracings
    assert sorted(one.name for one in raw.iterdir()) == [
        ".download",
        "attributes.csv",
        "ecg_tracings.hdf5",
    ]
