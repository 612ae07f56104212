"""Where each database is published: a literal table, so that what would be fetched can be read.

Patterns are those of `fnmatch`, whose ``*`` also matches slashes. Each stands with the number of
files that the publisher lists under it: versions don't change, so a list with another number was
cut off on its way. Sizes are of the published files, in bytes, rounded; those of databases without
sizes in their lists were counted from the number and length of their recordings.

Sources: the pages named in each entry; PhysioNet's SHA256SUMS.txt; the public interfaces of Zenodo
and figshare.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ecg_keras.errors import ConfigError, look_up

Publisher = Literal["physionet", "zenodo", "figshare"]
MB, GB = 10**6, 10**9

# publisher -> where its lists are, and where its files are; both end in a slash
ROOTS: dict[Publisher, tuple[str, str]] = {
    "physionet": ("https://physionet.org/files/", "https://physionet.org/files/"),
    "zenodo": ("https://zenodo.org/", "https://zenodo.org/"),
    "figshare": ("https://api.figshare.com/", "https://ndownloader.figshare.com/"),
}


@dataclass(frozen=True)
class Part:
    """Files that are fetched together.

    Args:
        files: pattern of their published paths -> how many the publisher lists.
        size: of these files, in bytes, roughly.
        unpacked: bytes that archives among them may hold at most; 0 where none is one.
    """

    files: Mapping[str, int]
    size: int
    unpacked: int = 0


@dataclass(frozen=True)
class Published:
    """A published database.

    Args:
        title: its name, with the version.
        publisher: a key of `ROOTS`.
        place: PhysioNet's ``slug/version``, or the number of the record or collection.
        page: what to read before using it.
        always: the files without which none of the parts can be read.
        parts: name -> files that can be fetched alone.
        strip: what published paths begin with and paths on the disk don't.
        archives: pattern of files to unpack -> the folder in them whose contents are meant.
    """

    title: str
    publisher: Publisher
    place: str
    page: str
    always: Part
    parts: Mapping[str, Part] = field(default_factory=dict)
    strip: str = ""
    archives: Mapping[str, str] = field(default_factory=dict)

    def chosen(self, only: tuple[str, ...] = ()) -> tuple[Part, ...]:
        """The parts to fetch: all, or those that are named.

        Raises:
            ConfigError: there is no part of that name.
        """
        if only and not self.parts:
            raise ConfigError(
                f"{self.title} has no parts: leave out --only. Received: {', '.join(only)}."
            )
        named = [look_up("part", name, self.parts) for name in dict.fromkeys(only)]
        return (self.always, *(named or self.parts.values()))


def find_published(name: str) -> Published:
    """The entry of a database.

    Args:
        name: of a source.

    Raises:
        ConfigError: there is no such source, or it reads what nobody publishes.

    Example:
        >>> find_published("georgia").place
        'challenge-2021/1.0.3'
    """
    if name in UNPUBLISHED:
        raise ConfigError(f"{name} can't be downloaded: {UNPUBLISHED[name]}")
    return look_up("database to download", name, CATALOGUE)


def _challenge_part(folder: str, recordings: int, size: int) -> Part:
    base = f"training/{folder}/*"
    return Part({f"{base}.hea": recordings, f"{base}.mat": recordings}, size)


# the sets of the Challenge of 2021: how many recordings, and their size
_SETS = {
    "cpsc_2018": _challenge_part("cpsc_2018", 6_877, 1_320 * MB),
    "cpsc_2018_extra": _challenge_part("cpsc_2018_extra", 3_453, 670 * MB),
    "st_petersburg_incart": _challenge_part("st_petersburg_incart", 74, 820 * MB),
    "ptb": _challenge_part("ptb", 516, 1_370 * MB),
    "ptb-xl": _challenge_part("ptb-xl", 21_837, 2_650 * MB),
    "georgia": _challenge_part("georgia", 10_344, 1_250 * MB),
    "chapman_shaoxing": _challenge_part("chapman_shaoxing", 10_247, 1_250 * MB),
    "ningbo": _challenge_part("ningbo", 34_905, 4_240 * MB),
}
_NOTHING = Part({}, 0)


def _challenge_set(folder: str, title: str) -> Published:
    return Published(
        f"{title}, as in the PhysioNet/CinC Challenge 2021 (1.0.3)",
        "physionet",
        "challenge-2021/1.0.3",
        "https://physionet.org/content/challenge-2021/1.0.3/",
        always=_SETS[folder],
        strip=f"training/{folder}/",
    )


def _code15_part(number: int) -> Part:
    """One of 18 files of 4096 samples in 12 leads of four bytes, and an id, for each row."""
    rows, size = (20_001, 2_680 * MB) if number < 17 else (5_780, 780 * MB)
    unpacked = rows * (4096 * 12 * 4 + 8) + 16 * MB  # and what HDF5 adds
    return Part({f"exams_part{number}.zip": 1}, size, unpacked)


# the name of the source -> what it reads
CATALOGUE: dict[str, Published] = {
    "ptbxl": Published(
        "PTB-XL 1.0.3",
        "physionet",
        "ptb-xl/1.0.3",
        "https://physionet.org/content/ptb-xl/1.0.3/",
        always=Part({"ptbxl_database.csv": 1, "scp_statements.csv": 1}, 6 * MB),
        parts={
            "records100": Part({"records100/*.hea": 21_799, "records100/*.dat": 21_799}, 540 * MB),
            "records500": Part(
                {"records500/*.hea": 21_799, "records500/*.dat": 21_799}, 2_630 * MB
            ),
        },
    ),
    "ptb_diagnostic": Published(
        "PTB Diagnostic ECG Database 1.0.0",
        "physionet",
        "ptbdb/1.0.0",
        "https://physionet.org/content/ptbdb/1.0.0/",
        always=Part({"patient*.hea": 549, "patient*.dat": 549, "patient*.xyz": 549}, 1_800 * MB),
    ),
    "cpsc2018": _challenge_set("cpsc_2018", "CPSC 2018"),
    "cpsc2018_extra": _challenge_set("cpsc_2018_extra", "CPSC 2018, unused recordings"),
    "incart": _challenge_set("st_petersburg_incart", "St Petersburg INCART"),
    "ptb": _challenge_set("ptb", "PTB Diagnostic"),
    "ptbxl_challenge": _challenge_set("ptb-xl", "PTB-XL"),
    "georgia": _challenge_set("georgia", "Georgia"),
    "chapman": _challenge_set("chapman_shaoxing", "Chapman-Shaoxing"),
    "ningbo": _challenge_set("ningbo", "Ningbo"),
    "challenge": Published(
        "PhysioNet/CinC Challenge 2021 (1.0.3)",
        "physionet",
        "challenge-2021/1.0.3",
        "https://physionet.org/content/challenge-2021/1.0.3/",
        always=_NOTHING,
        parts=_SETS,
        strip="training/",
    ),
    "ludb": Published(
        "Lobachevsky University Database 1.0.1",
        "physionet",
        "ludb/1.0.1",
        "https://physionet.org/content/ludb/1.0.1/",
        always=Part({"ludb.csv": 1, "data/*": 2_800}, 25 * MB),
    ),
    "code_test": Published(
        "CODE-test 1.0.3",
        "zenodo",
        "3765780",
        "https://zenodo.org/records/3765780",
        always=Part({"data.zip": 1}, 218 * MB, unpacked=400 * MB),
        archives={"data.zip": "data/"},
    ),
    "code15": Published(
        "CODE-15% 1.0.0",
        "zenodo",
        "4916206",
        "https://zenodo.org/records/4916206",
        always=Part({"exams.csv": 1}, 30 * MB),
        parts={f"exams_part{number}": _code15_part(number) for number in range(18)},
        archives={"exams_part*.zip": ""},
    ),
    "chapman_csv": Published(
        "Chapman-Shaoxing, the original release",
        "figshare",
        "4560497",
        "https://figshare.com/collections/ChapmanECG/4560497/2",
        always=Part({"Diagnostics.xlsx": 1, "ECGData.zip": 1}, 756 * MB, unpacked=12 * GB),
        archives={"ECGData.zip": ""},
    ),
    "sph": Published(
        "Shandong Provincial Hospital Database 1",
        "figshare",
        "5779802",
        "https://doi.org/10.6084/m9.figshare.c.5779802.v1",
        always=Part(
            {"metadata.csv": 1, "code.csv": 1, "records.tar.gz": 1},
            2_283 * MB,
            unpacked=2_400 * MB,
        ),
        archives={"records.tar.gz": ""},
    ),
}

# sources of what nobody publishes, and what to do instead
UNPUBLISHED = {
    "simulated": "it is written here, by `ecg-keras simulate`.",
    "folder": "it reads your own recordings. Set data.raw to the folder that holds them.",
}
