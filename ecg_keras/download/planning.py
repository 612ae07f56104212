"""What a download would fetch, before anything is written."""

from __future__ import annotations

import hashlib
import shlex
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ecg_keras.download.catalogue import Published, find_published
from ecg_keras.download.publishers import RemoteFile, find_roots, list_files
from ecg_keras.download.receiving import Patience, Receiver
from ecg_keras.download.staging import Stage
from ecg_keras.errors import ConfigError
from ecg_keras.text import without_user

LONGEST_LIST = 128 * 2**20


@dataclass(frozen=True)
class DownloadPlan:
    """What a download would do.

    Args:
        name: of the source.
        root: the folder it goes to.
        published: where it comes from.
        only, mirror: as for `plan_download`.
        files: all that belong there.
        missing: those of them that were not verified before.
        size: bytes to fetch; exact where the publisher's list has sizes, else the catalogue's.
    """

    name: str
    root: Path
    published: Published
    only: tuple[str, ...]
    mirror: str | None
    files: tuple[RemoteFile, ...]
    missing: tuple[RemoteFile, ...]
    size: int

    @property
    def is_exact(self) -> bool:
        """Whether the list has the size of each file."""
        return all(file.size is not None for file in self.files)

    @property
    def command(self) -> str:
        """What to type to do it; of a mirror, without the user and password in its address."""
        words = ["ecg-keras", "download", self.name, str(self.root)]
        for part in self.only:
            words += ["--only", part]
        mirror = ["--mirror", without_user(self.mirror)] if self.mirror else []
        return shlex.join(words + mirror)

    @property
    def origin(self) -> str:
        """Where the files come from: a mirror, without user and password, or the publisher."""
        if self.mirror is not None:
            return without_user(self.mirror)
        return f"{self.published.publisher} ({self.published.place})"

    def disk(self, jobs: int) -> int:
        """Bytes on the disk while it is under way, at most: archives go when they are unpacked."""
        archives = [file for file in self.missing if file.folder_inside is not None]
        sizes = sorted((file.size or 0 for file in archives), reverse=True)
        unpacked = sum(file.unpacked for file in archives)
        return self.size - sum(sizes) + sum(sizes[:jobs]) + unpacked


def plan_download(
    name: str,
    root: Path | str,
    *,
    only: Sequence[str] = (),
    mirror: str | None = None,
    patience: Patience | None = None,
    on_wait: Callable[[str], None] = lambda reason: None,
) -> DownloadPlan:
    """Lists what a download would fetch. Nothing is written.

    Args:
        name, root, only, mirror: as for `download_database`.
        patience: with the server that has the list.
        on_wait: called with what is waited for.

    Raises:
        ConfigError: the source isn't published or has no such part, or a setting is wrong.
        DataError: the list isn't available or can't be right.

    Example:
        >>> plan = plan_download("ludb", "data/raw/ludb")
    """
    published, root = find_published(name), Path(root).expanduser()
    if mirror is not None and not mirror.startswith(("https://", "http://")):
        raise ConfigError(
            "a mirror must be an address that begins with https://. Received: "
            f"{without_user(mirror)!r}."
        )
    if root.exists() and not root.is_dir():
        raise ConfigError(f"{root}: a file is there; name a folder.")
    only, stage = tuple(sorted(set(only))), Stage(root)
    parts = published.chosen(only)
    files = stage.read_list(list_key(published, only, mirror), find_roots(published, mirror)[1])
    if files is None:
        server = without_user(mirror) if mirror else published.publisher
        on_wait(f"{name}: asking {server} which files belong to it")
        receiver = Receiver(
            patience or Patience(), threading.Event(), on_wait=on_wait, mirror=mirror
        )
        with closing(receiver):
            files = list_files(
                published, lambda url: receiver.read(url, LONGEST_LIST), only=only, mirror=mirror
            )
    missing = tuple(file for file in files if not stage.is_verified(file))
    size = sum(file.size or 0 for file in missing)
    if any(file.size is None for file in files):
        size = round(sum(part.size for part in parts) * len(missing) / len(files))
    return DownloadPlan(name, root, published, only, mirror, files, missing, size)


def list_key(published: Published, only: tuple[str, ...], mirror: str | None) -> str:
    """Lists are kept for what was asked for, and as this version of the catalogue has it."""
    mirror = without_user(mirror) if mirror else mirror
    return hashlib.sha256(repr((published, only, mirror)).encode()).hexdigest()
