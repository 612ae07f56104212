"""Working folders that earlier versions of the package left, as they were and moved elsewhere."""

import os
import shutil
import sys
import tarfile
from pathlib import Path

import pytest

HERE = Path(__file__).parent
# Python 3.10 has filters since 3.10.12, and 3.11 since 3.11.4
SAFELY = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory):
    """A function that unpacks an archive: with the times of its files, or a copy without them."""

    def unpack(archive: Path, *, moved: bool) -> Path:
        place = tmp_path_factory.mktemp(archive.name.partition(".")[0])
        with tarfile.open(archive) as file:
            file.extractall(place, **SAFELY)
        if not moved:
            return place / "work"
        copy = place / "another machine" / "copy"
        shutil.copytree(place / "work", copy, copy_function=shutil.copyfile)
        shutil.rmtree(place / "work")
        return copy

    return unpack


@pytest.fixture(
    scope="module",
    params=["3b08258-as-it-was", "3b08258-moved", "5062819-moved"],
)
def golden(request, unpacked):
    """A working folder of an earlier version, which is the current folder."""
    version, _, place = request.param.partition("-")
    archive, moved = HERE / f"{version}.tar.xz", place == "moved"
    before, path = Path.cwd(), sys.path.copy()
    os.chdir(unpacked(archive, moved=moved))
    yield Path.cwd()
    os.chdir(before)
    sys.path[:] = path
    for name in [name for name in sys.modules if name.partition("_")[0] == "golden"]:
        del sys.modules[name]
