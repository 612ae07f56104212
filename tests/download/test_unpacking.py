"""Archives as they are published, and as an attacker would pack them."""

import gzip
import io
import stat
import tarfile
import zipfile

import pytest
from hypothesis import given, strategies as st

from ecg_keras.download import unpacking
from ecg_keras.download.unpacking import unpack
from ecg_keras.errors import DataError

FILES = {"records/A1.h5": b"one" * 500_000, "records/A2.h5": b"two", "notes.txt": b""}


def zipped(files, **changes):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            for key, value in changes.items():
                setattr(info, key, value)
            archive.writestr(info, content)
    return buffer.getvalue()


def tarred(files, **changes):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        folder = tarfile.TarInfo("records")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for key, value in changes.items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


PACKERS = {
    "a.zip": zipped,
    "a.tar": tarred,
    "a.tar.gz": lambda files: gzip.compress(tarred(files)),
}


@pytest.fixture
def open_archive(tmp_path):
    """Unpacks bytes below `out` and gives the paths."""
    out = tmp_path / "out"

    def place(path):
        target = out / path
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def run(content, name="a.zip", **settings):
        (tmp_path / "archive").write_bytes(content)
        settings = {"folder_inside": "", "limit": 10**8, **settings}
        return unpack(tmp_path / "archive", name, place, tmp_path / "spare", **settings)

    return run


@pytest.mark.parametrize("name", PACKERS)
def test_an_archive_becomes_its_files(open_archive, tmp_path, name):
    assert open_archive(PACKERS[name](FILES), name) == list(FILES)
    for path, content in FILES.items():
        assert (tmp_path / "out" / path).read_bytes() == content
    assert not (tmp_path / "spare").exists()


def test_a_plain_tar_under_the_name_of_a_packed_one_is_read(open_archive):
    assert open_archive(tarred(FILES), "records.tar.gz") == list(FILES)


def test_a_folder_inside_is_left_out(open_archive, tmp_path):
    content = zipped(
        {"data/": b"", "data/a/b.csv": b"x", "__MACOSX/data/._b": b"", "data/.DS_Store": b""}
    )
    assert open_archive(content, folder_inside="data/") == ["a/b.csv"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a"]


@pytest.mark.parametrize("name", PACKERS)
@pytest.mark.parametrize("path", ["../x", "/etc/x", "a/../../x", "c:x", "a\\x", "a\x1bx"])
def test_no_member_leads_out(open_archive, tmp_path, name, path):
    with pytest.raises(DataError, match=r"out of the folder|unprintable"):
        open_archive(PACKERS[name]({path: b"x"}), name)
    assert not list(tmp_path.rglob("x"))


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE]
)
def test_links_and_devices_are_refused(open_archive, kind):
    content = tarred({"a": b""}, type=kind, linkname="/etc/passwd")
    with pytest.raises(DataError, match=r"a.tar: 'a' is no plain file"):
        open_archive(content, "a.tar")


def test_a_link_in_a_zip_is_refused(open_archive):
    content = zipped({"a": b"/etc/passwd"}, external_attr=(stat.S_IFLNK | 0o777) << 16)
    with pytest.raises(DataError, match="'a' is no plain file"):
        open_archive(content)


def test_a_sparse_file_is_refused(open_archive):
    with pytest.raises(DataError, match=r"no plain file|damaged"):
        open_archive(tarred({"a": bytes(512)}, type=tarfile.GNUTYPE_SPARSE), "a.tar")


@pytest.mark.parametrize("name", PACKERS)
def test_a_bomb_is_refused_by_what_it_says(open_archive, tmp_path, name):
    bomb = PACKERS[name]({"a": bytes(10**6), "b": bytes(10**6)})
    with pytest.raises(DataError, match=r"unpacks to more than 1,500,000 bytes"):
        open_archive(bomb, name, limit=1_500_000)
    assert not (tmp_path / "out" / "b").exists()


def test_a_bomb_that_lies_about_its_size_ends_where_it_said(open_archive, tmp_path):
    content = bytearray(zipped({"a": bytes(10**6)}))
    honest = (10**6).to_bytes(4, "little")
    assert content.count(honest) == 2
    with pytest.raises(DataError, match=r"a.zip: "):
        open_archive(bytes(content.replace(honest, (1000).to_bytes(4, "little"))))
    assert not (tmp_path / "out" / "a").exists()


def test_too_many_files_are_refused(open_archive, monkeypatch):
    monkeypatch.setattr(unpacking, "MOST_FILES", 2)
    with pytest.raises(DataError, match="or 2 files, which that database does not have"):
        open_archive(zipped(FILES))


def test_a_header_that_asks_for_much_at_once_is_refused(open_archive, monkeypatch):
    monkeypatch.setattr(unpacking, "LONGEST_READ", 1 << 21)
    header = tarfile.TarInfo("a")
    header.type, header.size = tarfile.XHDTYPE, 1 << 30
    with pytest.raises(DataError, match="a header asks for 1,073,741,824 bytes at once"):
        open_archive(gzip.compress(header.tobuf() + bytes(1024)), "a.tar.gz")


def test_an_encrypted_archive_is_refused(open_archive):
    content = zipped({"a": b"x"}).replace(b"\x14\x00\x00\x00\x08\x00", b"\x14\x00\x01\x00\x08\x00")
    with pytest.raises(DataError, match="'a' is encrypted"):
        open_archive(content)


def test_a_name_that_is_there_twice_is_refused(open_archive):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a", b"2")
    with pytest.raises(DataError, match="'a' is there twice"):
        open_archive(buffer.getvalue())


def test_an_empty_archive_is_refused(open_archive):
    with pytest.raises(DataError, match=r"a.zip: an archive without files"):
        open_archive(zipped({}))


@pytest.mark.parametrize("name", PACKERS)
def test_unpacking_again_keeps_what_is_the_same(open_archive, tmp_path, name):
    content = PACKERS[name](FILES)
    open_archive(content, name)
    before = {path: (tmp_path / "out" / path).stat().st_mtime_ns for path in FILES}
    (tmp_path / "out" / "notes.txt").unlink()
    assert open_archive(content, name) == list(FILES)
    for path in ("records/A1.h5", "records/A2.h5"):
        assert (tmp_path / "out" / path).stat().st_mtime_ns == before[path]


@pytest.mark.parametrize("other", [b"twx", b"tw", b"twoo", b""])
def test_what_is_there_and_differs_is_left_as_it_is(open_archive, tmp_path, other):
    target = tmp_path / "out" / "records" / "A2.h5"
    target.parent.mkdir(parents=True)
    target.write_bytes(other)
    with pytest.raises(DataError, match=r"A2.h5: is not what a.zip holds, and was left as it is"):
        open_archive(zipped(FILES))
    assert target.read_bytes() == other


@pytest.mark.parametrize("name", PACKERS)
@given(data=st.data())
def test_damage_is_our_own_error(name, data, tmp_path_factory):
    good = PACKERS[name]({"a/b": b"content " * 50, "c": b"more"})
    content = bytearray(good)
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(content)))
    folder = tmp_path_factory.mktemp("damaged")
    (folder / "archive").write_bytes(bytes(content[:end]))

    def place(path):
        (folder / "out" / path).parent.mkdir(parents=True, exist_ok=True)
        return folder / "out" / path

    try:
        paths = unpack(
            folder / "archive", name, place, folder / "spare", folder_inside="", limit=10_000
        )
    except DataError:
        paths = []
    assert sum((folder / "out" / path).stat().st_size for path in paths) <= 10_000
    assert {path.name for path in folder.iterdir()} <= {"archive", "out"}
