"""Whole databases from a publisher on this machine."""

import base64
import hashlib
import io
import itertools
import json
import os
import shutil
import threading
import zipfile
from dataclasses import replace
from types import SimpleNamespace

import pytest
from download_server import HURRIED, serving

from ecg_keras.config import Data
from ecg_keras.data.raw_files import raw_digest
from ecg_keras.data.shard_folders import dataset_fingerprint
from ecg_keras.download import (
    download_database,
    fetch,
    fetching,
    plan_download,
    refuse_unfinished,
    staging,
)
from ecg_keras.download.catalogue import CATALOGUE, FileSet, find_published
from ecg_keras.download.planning import list_key
from ecg_keras.download.staging import Stage
from ecg_keras.errors import ConfigError, DataError

PLACE = "ludb/1.0.1"
FILES = {f"data/{number}.dat": os.urandom(3000) for number in range(8)} | {"ludb.csv": b"ID\n1\n"}


@pytest.fixture
def site(monkeypatch):
    """A small LUDB, published here."""
    always = FileSet({"data/*": 8, "ludb.csv": 1}, 25_000)
    monkeypatch.setitem(CATALOGUE, "ludb", replace(find_published("ludb"), always=always))
    with serving() as site:
        site.publish(PLACE, FILES)
        yield site


@pytest.fixture
def download(site, tmp_path):
    """Fetches that database, or another, into `raw`."""

    def run(name="ludb", *, only=(), **settings):
        plan = plan_download(name, tmp_path / "raw", only=only, mirror=site.url, patience=HURRIED)
        return fetch(plan, patience=HURRIED, **settings)

    return run


def visible(folder):
    """What a source sees: all files but hidden ones."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in paths
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }


def test_a_database_comes_whole(download, site, tmp_path):
    seen = []
    result = download(on_progress=seen.append)
    assert result.is_complete
    assert (result.files, result.fetched, result.failed) == (9, 9, ())
    assert result.received == sum(map(len, FILES.values()))
    assert visible(tmp_path / "raw") == FILES
    assert (seen[-1].done, seen[-1].files) == (9, 9)
    assert seen[-1].bytes_done == seen[-1].bytes_total == result.received
    staged = {path.name for path in (tmp_path / "raw" / ".download").iterdir()}
    assert staged == {"lock", "verified.jsonl", "list.json"}


def test_a_second_run_transfers_nothing_and_asks_nobody(download, site, tmp_path):
    download()
    site.asked.clear()
    before = raw_digest(tmp_path / "raw")
    result = download()
    assert (result.is_complete, result.fetched, result.received) == (True, 0, 0)
    assert site.asked == []
    assert raw_digest(tmp_path / "raw") == before


def test_a_second_run_needs_no_leave_to_write(download, tmp_path):
    download()
    for path in [tmp_path / "raw", *(tmp_path / "raw").rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        assert download().is_complete
    finally:
        for path in [tmp_path / "raw", *(tmp_path / "raw").rglob("*")]:
            path.chmod(0o755)


def test_files_that_lie_there_already_are_verified_and_kept(download, site, tmp_path):
    for path in ("data/1.dat", "data/2.dat"):
        (tmp_path / "raw" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "raw" / path).write_bytes(FILES[path])
    result = download()
    assert (result.is_complete, result.fetched) == (True, 7)
    assert site.sent("1.dat") == 0


def test_a_file_that_is_there_and_differs_is_left_as_it_is(download, tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "ludb.csv").write_bytes(b"mine")
    result = download()
    ((path, why),) = result.failed
    assert path == "ludb.csv"
    assert "is not the published file, by its sha256, and was left as it is" in why
    assert (tmp_path / "raw" / "ludb.csv").read_bytes() == b"mine"
    assert result.fetched == 8
    (tmp_path / "raw" / "ludb.csv").unlink()
    assert download().is_complete


def test_a_file_that_was_changed_later_is_noticed(download, tmp_path):
    download()
    path = tmp_path / "raw" / "data" / "1.dat"
    path.write_bytes(path.read_bytes()[:-1])
    assert [name for name, _ in download().failed] == ["data/1.dat"]
    path.unlink()
    result = download()
    assert (result.is_complete, result.fetched) == (True, 1)


def test_files_come_in_parallel(download, site, monkeypatch):
    meeting = threading.Barrier(4, timeout=5)
    original = fetching._Download._receive

    def receive(self, file):
        if file.path in ("data/0.dat", "data/1.dat", "data/2.dat", "data/3.dat"):
            meeting.wait()
        return original(self, file)

    monkeypatch.setattr(fetching._Download, "_receive", receive)
    assert download(jobs=4).is_complete  # a single thread would wait at the barrier in vain


def test_a_checksum_that_is_wrong_once_is_tried_again(download, site, tmp_path):
    site.fail(f"{PLACE}/data/1.dat", [("corrupt", None)])
    assert download().is_complete
    assert visible(tmp_path / "raw") == FILES
    assert len([one for one in site.asked if one.path.endswith("/1.dat")]) == 2


def test_a_checksum_that_stays_wrong_fails_that_file_alone(download, site, tmp_path):
    site.fail(f"{PLACE}/data/1.dat", itertools.repeat(("corrupt", None)))
    result = download()
    ((path, why),) = result.failed
    assert path == "data/1.dat"
    assert why.startswith(f"{site.url}{PLACE}/data/1.dat: what came, twice, is not what sha256 ")
    assert result.fetched == 8
    assert set(visible(tmp_path / "raw")) == set(FILES) - {"data/1.dat"}
    assert not list((tmp_path / "raw" / ".download").glob("*.part"))
    site.faults.clear()
    result = download()
    assert (result.is_complete, result.fetched) == (True, 1)


def test_a_server_that_cuts_a_file_short_is_found_out(download, site, tmp_path):
    site.fail(f"{PLACE}/data/1.dat", itertools.repeat(("announce", -100)))
    assert [path for path, _ in download().failed] == ["data/1.dat"]
    assert "data/1.dat" not in visible(tmp_path / "raw")


def test_what_is_missing_is_named_and_the_list_fetched_anew(download, site):
    content = site.files.pop(f"{PLACE}/data/3.dat")
    result = download()
    ((path, why),) = result.failed
    assert (path, result.fetched) == ("data/3.dat", 8)
    assert why.startswith(f"{site.url}{PLACE}/data/3.dat: the server answered 404 Not Found")
    site.files[f"{PLACE}/data/3.dat"] = content
    site.asked.clear()
    assert download().is_complete
    assert sorted(one.path for one in site.asked) == [
        f"{PLACE}/SHA256SUMS.txt",
        f"{PLACE}/data/3.dat",
    ]


def test_a_publisher_that_fails_at_everything_is_left_alone(download, site, monkeypatch):
    monkeypatch.setattr(fetching, "HOPELESS", 3)
    for path in FILES:
        del site.files[f"{PLACE}/{path}"]
    result = download(jobs=1)
    assert len(result.failed) + result.untried == 9
    assert 3 <= len(result.failed) <= 5
    assert not result.is_complete


def test_prepare_refuses_half_a_database(download, site, tmp_path):
    content = site.files.pop(f"{PLACE}/data/3.dat")
    download()
    data = Data(source="ludb", raw=tmp_path / "raw")
    with pytest.raises(
        DataError, match=r"download is not finished.*`ecg-keras download ludb .*raw"
    ):
        dataset_fingerprint(data)
    site.files[f"{PLACE}/data/3.dat"] = content
    download()
    assert len(dataset_fingerprint(data)) == 64


def stopped(download, site, name="code15", **settings):
    """Begins a download, of which a part does not come."""
    path = "records/4916206/files/exams_part0.zip"
    content = site.files.pop(path)
    assert not download(name, **settings).is_complete
    site.files[path] = content


def test_a_part_that_is_whole_does_not_finish_the_whole(download, site, code15, tmp_path):
    stopped(download, site)
    for _ in range(2):  # the second does nothing
        assert download("code15", only=("exams_part1",)).is_complete
        with pytest.raises(
            DataError, match=r"Continue with `ecg-keras download code15 \S*raw --mi"
        ):
            refuse_unfinished(tmp_path / "raw")
    assert download("code15").is_complete
    refuse_unfinished(tmp_path / "raw")


def test_the_whole_finishes_its_parts_and_a_mirror_the_publishers_own(
    download, site, code15, tmp_path
):
    stopped(download, site, only=("exams_part0",))
    mark = tmp_path / "raw" / ".download" / "unfinished"
    # as an earlier version left it
    mark.write_text(f"ecg-keras download code15 {tmp_path}/elsewhere --only exams_part0\n")
    with pytest.raises(DataError, match="--only exams_part0`, or delete"):
        refuse_unfinished(tmp_path / "raw")
    assert download("code15").is_complete
    refuse_unfinished(tmp_path / "raw")
    mark.write_text("ecg-keras download ptbxl raw\n")
    assert download("code15").is_complete
    with pytest.raises(DataError, match="download ptbxl raw`"):
        refuse_unfinished(tmp_path / "raw")


def test_the_password_of_a_mirror_is_sent_and_neither_kept_nor_shown(site, tmp_path):
    shown = []
    mirror = site.url.replace("://", "://me:p%40ss@")
    site.fail(f"{PLACE}/SHA256SUMS.txt", [("status", (500, {}))])
    options = {"mirror": mirror, "patience": HURRIED}
    plan = plan_download("ludb", tmp_path / "raw", on_wait=shown.append, **options)
    site.fail(f"{PLACE}/ludb.csv", itertools.repeat(("status", (404, {}))))
    result = fetch(plan, patience=HURRIED, on_progress=lambda one: shown.append(one.note))
    assert not result.is_complete
    login = f"Basic {base64.b64encode(b'me:p@ss').decode()}"
    assert {one.headers.get("Authorization") for one in site.asked} == {login}
    kept = [p.read_text() for p in (tmp_path / "raw" / ".download").iterdir() if p.is_file()]
    text = "\n".join([*kept, *shown, str(result.failed), plan.command, plan.origin])
    assert site.url in text and "500" in text and "404" in text
    assert "me:" not in text and "p%40ss" not in text and "p@ss" not in text
    site.faults.clear()
    stage = Stage(tmp_path / "raw")
    with stage.open(plan.command):  # the list, as a stop would leave it
        stage.keep_list(list_key(plan.published, (), mirror), plan.files)
    assert "me:" not in (tmp_path / "raw" / ".download" / "list.json").read_text()
    asked = len(site.asked)
    again = plan_download("ludb", tmp_path / "raw", **options)
    assert len(site.asked) == asked and len(again.missing) == 1
    assert fetch(again, patience=HURRIED).is_complete
    assert site.asked[-1].headers["Authorization"] == login
    with pytest.raises(ConfigError, match=r"Received: 'ftp://host/'"):
        plan_download("ludb", tmp_path / "raw", mirror="ftp://me:p@host/")


def test_a_download_that_was_interrupted_goes_on(download, site, tmp_path, monkeypatch):
    def interrupt(progress):
        if progress.done:
            raise KeyboardInterrupt

    monkeypatch.setattr(fetching, "TICK", 0.0)
    site.fail(f"{PLACE}/data/7.dat", itertools.repeat(("slow", 0.5)))
    with pytest.raises(KeyboardInterrupt):
        download(on_progress=interrupt, jobs=2)
    assert (tmp_path / "raw" / ".download" / "unfinished").is_file()
    site.faults.clear()
    assert download().is_complete
    assert visible(tmp_path / "raw") == FILES


def test_a_file_that_came_whole_before_the_kill_is_not_fetched_again(download, site, tmp_path):
    plan = plan_download("ludb", tmp_path / "raw", mirror=site.url)
    stage = staging.Stage(tmp_path / "raw")
    first, second = plan.files[:2]
    with stage.open(plan.command):
        stage.path_of(first, ".part").write_bytes(FILES[first.path])  # killed while it was verified
        (stage.folder / "tmpab12").hardlink_to(stage.path_of(first, ".part"))
        stage.path_of(second).write_bytes(FILES[second.path])  # before it was put in its place
    assert download().is_complete
    assert visible(tmp_path / "raw") == FILES
    assert (site.sent(first.path), site.sent(second.path)) == (0, 0)
    assert not list(stage.folder.glob("tmp*"))


def test_a_disk_that_is_full_stops_everything(download, tmp_path, monkeypatch):
    def fail(self, file):
        raise OSError(28, "No space left on device", str(tmp_path / "raw" / file.path))

    monkeypatch.setattr(fetching._Download, "_receive", fail)
    with pytest.raises(OSError, match="No space left on device"):
        download()


def test_a_disk_without_room_is_told_beforehand(download, tmp_path, monkeypatch):
    usage = SimpleNamespace(total=10, used=10, free=24_999)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(DataError, match=r"raw: 2.* kB are needed and 25 kB are free\. .*--only"):
        download()
    assert not (tmp_path / "raw").exists()


def test_what_is_there_needs_no_room(download, tmp_path, monkeypatch):
    download()
    shutil.rmtree(tmp_path / "raw" / ".download")
    usage = SimpleNamespace(total=10, used=10, free=10)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    assert download().fetched == 0


def test_two_downloads_to_one_folder_are_refused(download, tmp_path):
    stage = staging.Stage(tmp_path / "raw")
    with stage.open("command"), pytest.raises(DataError, match="another download writes there"):
        download()


def test_nothing_is_written_through_links(download, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "data").symlink_to(outside)
    result = download()
    assert {path for path, _ in result.failed} == set(FILES) - {"ludb.csv"}
    assert "a link to elsewhere" in result.failed[0][1]
    assert list(outside.iterdir()) == []
    (tmp_path / "raw" / "data").unlink()
    (tmp_path / "raw" / "data").mkdir()
    (tmp_path / "raw" / "data" / "1.dat").symlink_to(outside / "1.dat")
    assert [path for path, _ in download().failed] == ["data/1.dat"]
    assert list(outside.iterdir()) == []


def test_the_downloads_own_folder_may_be_no_link(download, tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / ".download").symlink_to(tmp_path)
    with pytest.raises(DataError, match="a link to elsewhere"):
        download()


@pytest.mark.parametrize("path", [".download/unfinished", ".download", "../x", "/x"])
def test_no_archive_writes_where_the_download_keeps_its_own(tmp_path, path):
    with pytest.raises(DataError, match=r"no file of a database goes there|must stay inside"):
        staging.Stage(tmp_path).target(path)


def test_a_list_with_a_path_outside_fetches_nothing(download, site, tmp_path, monkeypatch):
    site.publish(PLACE, {**FILES, "data/../../outside.dat": b"x"})
    always = FileSet({"data/*": 9, "ludb.csv": 1}, 25_000)
    monkeypatch.setitem(CATALOGUE, "ludb", replace(find_published("ludb"), always=always))
    with pytest.raises(DataError, match=r"SHA|ludb/1.0.1: .*must stay inside .*Nothing was"):
        download()
    assert not (tmp_path / "raw").exists()
    assert len(site.asked) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("path", "../outside"),
        ("path", 7),
        ("url", "http://169.254.169.254/latest"),
        ("url", None),
        ("checksum", "crc:12"),
        ("checksum", ["sha256:" + 64 * "0"]),
        ("size", "many"),
        ("unpacked", -1),
    ],
)
def test_a_kept_list_that_was_tampered_with_is_not_believed(download, site, tmp_path, field, value):
    download()
    kept = tmp_path / "raw" / ".download" / "list.json"
    content = json.loads(kept.read_text())
    content["files"][0][field] = value
    kept.write_text(json.dumps(content))
    site.asked.clear()
    assert download().is_complete
    assert [one.path for one in site.asked] == [f"{PLACE}/SHA256SUMS.txt"]
    assert not (tmp_path / "outside").exists()


def test_a_memory_that_was_cut_off_costs_a_look_at_the_files(download, site, tmp_path):
    download()
    memory = tmp_path / "raw" / ".download" / "verified.jsonl"
    memory.write_bytes(memory.read_bytes()[:-30] + b"\n[1]\n{}\n")
    site.asked.clear()
    result = download()
    assert (result.is_complete, result.fetched, site.sent()) == (True, 0, 0)


def test_a_torn_line_of_the_memory_takes_no_other_with_it(download, tmp_path, monkeypatch):
    download()
    memory = tmp_path / "raw" / ".download" / "verified.jsonl"
    memory.write_text(memory.read_text()[:-10])
    download()
    monkeypatch.setattr(fetching, "_is_published", None)
    assert download().is_complete


def test_settings_out_of_range_are_refused(download, tmp_path):
    for jobs in (0, 17):
        with pytest.raises(ConfigError, match=f"jobs must be from 1 to 16. Received: {jobs}"):
            download(jobs=jobs)
    with pytest.raises(ConfigError, match="a mirror must be an address that begins with https://"):
        plan_download("ludb", tmp_path / "raw", mirror="/srv/copy")
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="file: a file is there; name a folder"):
        download_database("ludb", tmp_path / "file")


# ---------------------------------------------------------------- archives of Zenodo


def packed(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.fixture
def code15(site, monkeypatch):
    """Two parts of CODE-15% on the same server."""
    parts = {
        f"exams_part{number}": FileSet({f"exams_part{number}.zip": 1}, 10_000, unpacked=50_000)
        for number in range(2)
    }
    entry = replace(find_published("code15"), always=FileSet({"exams.csv": 1}, 100), parts=parts)
    monkeypatch.setitem(CATALOGUE, "code15", entry)
    files = {
        "exams.csv": b"exam_id\n",
        "exams_part0.zip": packed({"exams_part0.hdf5": os.urandom(30_000)}),
        "exams_part1.zip": packed({"exams_part1.hdf5": os.urandom(30_000)}),
    }
    listed = [
        {
            "key": key,
            "size": len(content),
            "checksum": f"md5:{hashlib.md5(content).hexdigest()}",
        }
        for key, content in files.items()
    ]
    site.files |= {f"records/4916206/files/{key}": content for key, content in files.items()}
    site.files["api/records/4916206"] = json.dumps({"files": listed}).encode()
    return files


def test_archives_are_unpacked_and_go(download, site, code15, tmp_path):
    plan = plan_download("code15", tmp_path / "raw", mirror=site.url)
    assert plan.is_exact
    assert plan.size == sum(map(len, code15.values()))
    assert plan.disk(1) == plan.size - len(code15["exams_part1.zip"]) + 100_000
    assert download("code15").is_complete
    found = visible(tmp_path / "raw")
    assert set(found) == {"exams.csv", "exams_part0.hdf5", "exams_part1.hdf5"}
    assert [len(found[f"exams_part{number}.hdf5"]) for number in range(2)] == [30_000, 30_000]
    site.asked.clear()
    assert download("code15").fetched == 0
    assert site.asked == []


def test_an_archive_that_a_kill_left_after_it_was_unpacked_goes(
    download, code15, tmp_path, monkeypatch
):
    class Killed(Exception):
        pass

    def record(stage, file, paths):
        recorded(stage, file, paths)
        if file.folder_inside is not None:
            raise Killed

    recorded = staging.Stage.record
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(staging.Stage, "record", record)
        download("code15", jobs=1)
    assert download("code15").is_complete
    staged = {path.name for path in (tmp_path / "raw" / ".download").iterdir()}
    assert staged == {"lock", "verified.jsonl", "list.json"}


def test_what_was_unpacked_needs_no_room(download, code15, tmp_path, monkeypatch):
    download("code15")
    (tmp_path / "raw" / "exams_part1.hdf5").unlink()
    shutil.rmtree(tmp_path / "raw" / ".download")
    # one archive at a time, and what the catalogue says of both less what is there
    usage = SimpleNamespace(free=max(map(len, code15.values())) + 2 * 50_000 - 30_000 - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(DataError, match="kB are needed and"):
        download("code15", jobs=1)
    usage.free += 1
    assert download("code15", jobs=1).is_complete


def test_a_part_can_be_fetched_alone_and_the_rest_later(download, site, code15, tmp_path):
    assert download("code15", only=("exams_part1",)).fetched == 2
    assert set(visible(tmp_path / "raw")) == {"exams.csv", "exams_part1.hdf5"}
    assert download("code15").fetched == 1
    assert site.sent("exams.csv") == len(code15["exams.csv"])


def test_an_archive_that_unpacks_to_too_much_fails_alone(download, site, code15, tmp_path):
    bomb = packed({"exams_part0.hdf5": bytes(10**6)})
    listed = json.loads(site.files["api/records/4916206"])
    listed["files"][1] |= {"size": len(bomb), "checksum": f"md5:{hashlib.md5(bomb).hexdigest()}"}
    site.files["api/records/4916206"] = json.dumps(listed).encode()
    site.files["records/4916206/files/exams_part0.zip"] = bomb
    ((path, why),) = download("code15").failed
    assert (path, "unpacks to more than 50,000 bytes" in why) == ("exams_part0.zip", True)
    assert set(visible(tmp_path / "raw")) == {"exams.csv", "exams_part1.hdf5"}


def test_an_unpacked_file_that_was_deleted_is_fetched_again(download, site, code15, tmp_path):
    download("code15")
    (tmp_path / "raw" / "exams_part0.hdf5").unlink()
    assert download("code15").fetched == 1
    assert (tmp_path / "raw" / "exams_part0.hdf5").stat().st_size == 30_000


def test_a_server_that_drops_connections_costs_little(download, site, code15, monkeypatch):
    path = "records/4916206/files/exams_part0.zip"
    content = packed({"exams_part0.hdf5": os.urandom(400_000)})
    listed = json.loads(site.files["api/records/4916206"])
    listed["files"][1] |= {
        "size": len(content),
        "checksum": f"md5:{hashlib.md5(content).hexdigest()}",
    }
    site.files |= {"api/records/4916206": json.dumps(listed).encode(), path: content}
    site.fail(path, [("drop", 150_000), ("drop", 150_000)])
    part = FileSet({"exams_part0.zip": 1}, 10_000, unpacked=500_000)
    entry = replace(CATALOGUE["code15"], parts={"exams_part0": part})
    monkeypatch.setitem(CATALOGUE, "code15", entry)
    assert download("code15").is_complete
    assert site.sent("exams_part0.zip") < len(content) + 100_000


# ---------------------------------------------------------------- real files


def test_real_recordings_come_as_physionet_lists_them(site, real_data, tmp_path, monkeypatch):
    folder = real_data / "ludb"
    always = FileSet({"data/*.hea": 200, "data/*.dat": 200, "ludb.csv": 1}, 25_000_000)
    monkeypatch.setitem(CATALOGUE, "ludb", replace(find_published("ludb"), always=always))
    for path in [*folder.glob("data/*"), folder / "ludb.csv", folder / "SHA256SUMS.txt"]:
        site.files[f"{PLACE}/{path.relative_to(folder)}"] = path.read_bytes()
    result = download_database("ludb", tmp_path / "real", mirror=site.url)
    assert (result.is_complete, result.fetched) == (True, 401)
    assert visible(tmp_path / "real") == {
        str(path.relative_to(folder)): path.read_bytes()
        for path in [*folder.glob("data/*"), folder / "ludb.csv"]
    }
