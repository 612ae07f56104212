"""The hidden folder beside the data in which a download keeps what is not data.

It holds partial files, which of the files were verified, the publisher's list, and, while something
is missing, marks that keep `prepare` from taking half a database for a whole one: a line with the
command of each download that began and did not end.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

from filelock import Timeout

from ecg_keras.download.publishers import STAGE, RemoteFile, check_files
from ecg_keras.errors import DataError
from ecg_keras.files import lock_file, write_text
from ecg_keras.json_files import parse_as, read_json
from ecg_keras.sources import path_inside

_UNFINISHED, _LOCK, _VERIFIED, _LIST = "unfinished", "lock", "verified.jsonl", "list.json"


class Stage:
    """What is known of the files of one folder. Nothing is written before `open`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / STAGE
        self._safe: set[Path] = set()
        self._writing = threading.Lock()
        self._verified = self._read_verified()

    @contextmanager
    def open(self, command: str) -> Iterator[None]:
        """Holds the folder, and marks it with the command that resumes the download."""
        _refuse_links(self.root, f"{STAGE}/{_LOCK}")
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with lock_file(self.folder / _LOCK, timeout=0):
                others = [one for one in _read_marks(self.root) if not _covers(command, one)]
                self._write_marks([*others, command])
                for left in self.folder.glob("tmp*"):  # of an earlier version that was killed
                    left.unlink()
                self._end_torn_line()
                yield
        except Timeout:
            raise DataError(f"{self.root}: another download writes there. Wait for it.") from None

    def finish(self, command: str) -> None:
        """Takes away the mark of a download, and of those of parts of it: they lack nothing."""
        self._write_marks(one for one in _read_marks(self.root) if not _covers(command, one))

    def is_marked(self, command: str) -> bool:
        """Whether this download, or one of a part of it, began and did not end."""
        return any(_covers(command, one) for one in _read_marks(self.root))

    def _write_marks(self, commands: Iterable[str]) -> None:
        lines = [f"{one}\n" for one in commands]
        if not lines:
            (self.folder / _UNFINISHED).unlink(missing_ok=True)
            return
        write_text(self.folder / _UNFINISHED, "".join(lines))

    def path_of(self, file: RemoteFile, ending: str = "") -> Path:
        """Where a file is kept until it is whole, under a name that no other has."""
        name = hashlib.sha256(f"{file.checksum} {file.path}".encode()).hexdigest()[:32]
        return self.folder / (name + ending)

    def target(self, path: str) -> Path:
        """The place of a file of the database, not outside and not behind a link."""
        target = path_inside(self.root, path)
        if target.is_relative_to(self.folder):
            raise DataError(f"{target}: no file of a database goes there.")
        if target.parent not in self._safe:
            _refuse_links(self.root, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            self._safe.add(target.parent)
        if target.is_symlink() or target.is_dir():
            raise DataError(f"{target}: a link or folder is where a file must go. Move it away.")
        return target

    def is_verified(self, file: RemoteFile) -> bool:
        """Whether a file was verified and looks as it did then: by size and time of change."""
        known = self._verified.get(file.path)
        return (
            known is not None
            and known["checksum"] == file.checksum
            and all(_look(self.root / path) == look for path, look in known["files"].items())
        )

    def record(self, file: RemoteFile, paths: Sequence[str]) -> None:
        """Notes that a file was verified, and the files on the disk that it became."""
        files = {path: _look(self.root / path) for path in paths}
        line = json.dumps({"path": file.path, "checksum": file.checksum, "files": files})
        with self._writing, (self.folder / _VERIFIED).open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")

    def _end_torn_line(self) -> None:
        """What a kill cut off must not take the next line with it."""
        memory = self.folder / _VERIFIED
        if memory.is_file() and not memory.read_bytes().endswith(b"\n"):
            with memory.open("a", encoding="utf-8") as stream:
                stream.write("\n")

    def read_list(self, key: str, root: str) -> tuple[RemoteFile, ...] | None:
        """The list that was kept under a key, if there is one that can be believed: all its URLs
        begin with ``root``."""
        place = self.folder / _LIST

        def parse(kept: dict[str, Any]) -> tuple[RemoteFile, ...] | None:
            if kept["key"] != key:
                return None
            files: tuple[RemoteFile, ...] = parse_as(tuple[RemoteFile, ...], kept["files"])
            check_files(files, root, str(place))
            return files

        with suppress(DataError):
            return read_json(place, "files", parse)
        return None

    def keep_list(self, key: str, files: Sequence[RemoteFile]) -> None:
        """Keeps a list, so that it need not be fetched again."""
        content = {"key": key, "files": [asdict(file) for file in files]}
        write_text(self.folder / _LIST, json.dumps(content))

    def forget_list(self) -> None:
        """The next download must ask for the list again: this one led to a failure."""
        (self.folder / _LIST).unlink(missing_ok=True)

    def held_bytes(self, file: RemoteFile, size: int) -> int:
        """How much of a file of about ``size`` bytes is there: what came before a stop, or all of
        a file that is still to be compared."""
        if file.folder_inside is None and (self.root / file.path).exists():
            return size
        states = [_look(self.path_of(file, ending)) for ending in (".part", "")]
        return max(state[0] if state else 0 for state in states)

    def unpacked_bytes(self, files: Sequence[RemoteFile]) -> int:
        """How much is there that must be of archives which were not verified: of no other file."""
        known = {self.root / file.path for file in files}
        for file in files:
            if self.is_verified(file):
                known.update(self.root / path for path in self._verified[file.path]["files"])
        held = 0
        for folder, folders, names in os.walk(self.root):
            folders[:] = [one for one in folders if Path(folder, one) != self.folder]
            others = (path for name in names if (path := Path(folder, name)) not in known)
            held += sum((_look(path) or [0])[0] for path in others)
        return held

    def free_bytes(self) -> int:
        root = self.root.absolute()
        there = next(folder for folder in (root, *root.parents) if folder.exists())
        return shutil.disk_usage(there).free

    def _read_verified(self) -> dict[str, dict[str, Any]]:
        try:
            lines = (self.folder / _VERIFIED).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            return {}
        verified = {}
        for line in lines:
            try:
                one = json.loads(line)
                verified[one["path"]] = {"checksum": one["checksum"], "files": dict(one["files"])}
            except (ValueError, TypeError, KeyError):
                continue  # cut off when a download was killed: that file is verified again
        return verified


def refuse_unfinished(root: Path) -> None:
    """Refuses a folder whose download is not finished; the `DataError` says how to resume it."""
    commands = [f"`{one}`" for one in _read_marks(root)]
    if commands:
        raise DataError(
            f"{root}: its download is not finished, so recordings are missing. Continue with "
            f"{' and '.join(commands)}, or delete {root / STAGE / _UNFINISHED} if what is there is "
            "what you want."
        )


def _read_marks(root: Path) -> list[str]:
    """The commands of the downloads that are not finished; earlier versions left one at most."""
    try:
        return (root / STAGE / _UNFINISHED).read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return []


def _covers(command: str, other: str) -> bool:
    """Whether all that another command fetches is fetched by this one, from wherever."""
    try:
        (name, parts), (other_name, other_parts) = map(_wanted, (command, other))
    except (ValueError, IndexError):  # changed by hand
        return command == other
    return name == other_name and (not parts or (bool(other_parts) and other_parts <= parts))


def _wanted(command: str) -> tuple[str, set[str]]:
    """What a command fetches: a database, and which parts of it; none means all."""
    words = shlex.split(command)
    return words[2], {part for option, part in pairwise(words) if option == "--only"}


def _refuse_links(root: Path, path: str) -> None:
    """Refuses a path below a folder on whose way there is a link."""
    here = root
    for part in path.split("/")[:-1]:
        here = here / part
        if here.is_symlink():
            raise DataError(f"{here}: a link to elsewhere; nothing is written through it.")


def _look(path: Path) -> list[int] | None:
    try:
        state = os.lstat(path)
    except OSError:
        return None
    return [state.st_size, state.st_mtime_ns]
