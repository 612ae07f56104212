"""Where each database is published: a literal table, so that what would be fetched can be read.

Patterns are those of `fnmatch`, whose ``*`` also matches slashes. Each has the number of files that
the publisher lists under it: versions don't change, so a list with another number was cut off on
its way. Sizes are of the published files, in bytes, rounded; where a list has none, they were
counted from the number and length of the recordings.

Sources: the page of each entry; PhysioNet's SHA256SUMS.txt; the public interfaces of Zenodo and
figshare.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ecg_keras.errors import ConfigError, look_up
from ecg_keras.sources import SOURCES, corpus_of

Publisher = Literal["physionet", "zenodo", "figshare"]
MB, GB = 10**6, 10**9

# publisher -> where its lists are, and where its files are; both end in a slash
ROOTS: dict[Publisher, tuple[str, str]] = {
    "physionet": ("https://physionet.org/files/", "https://physionet.org/files/"),
    "zenodo": ("https://zenodo.org/", "https://zenodo.org/"),
    "figshare": ("https://api.figshare.com/", "https://ndownloader.figshare.com/"),
}
_PAGES = {
    "physionet": "https://physionet.org/content/{}/",
    "zenodo": "https://zenodo.org/records/{}",
    "figshare": "https://doi.org/10.6084/m9.figshare.c.{}",
}


@dataclass(frozen=True)
class FileSet:
    """Files that are fetched together: pattern of their published paths -> how many there are.

    ``size`` is theirs in bytes, ``unpacked`` what archives among them may hold at most.
    """

    files: Mapping[str, int]
    size: int
    unpacked: int = 0

    @property
    def count(self) -> int:
        return sum(self.files.values())


@dataclass(frozen=True)
class Published:
    """A published database; its ``parts`` can be fetched alone, with what is in ``always``."""

    title: str
    publisher: Publisher
    place: str  # PhysioNet's slug/version, or the number of the record or collection
    always: FileSet
    parts: Mapping[str, FileSet] = field(default_factory=dict)
    strip: str = ""  # what published paths begin with and paths on the disk don't
    # pattern of files to unpack -> the folder in them whose contents are wanted
    archives: Mapping[str, str] = field(default_factory=dict)

    @property
    def page(self) -> str:
        """What to read before using it."""
        return _PAGES[self.publisher].format(self.place)

    def chosen(self, only: tuple[str, ...] = ()) -> tuple[FileSet, ...]:
        """The file sets to fetch: all, or those of the parts that are named."""
        if only and not self.parts:
            raise ConfigError(
                f"{self.title} has no parts: leave out --only. Received: {', '.join(only)}."
            )
        named = [look_up("part", name, self.parts) for name in dict.fromkeys(only)]
        return (self.always, *(named or self.parts.values()))


def find_published(name: str) -> Published:
    """The entry of a source."""
    if name not in CATALOGUE and name in list_unpublished():
        raise ConfigError(f"{name} can't be downloaded: {list_unpublished()[name]}")
    return look_up("database to download", name, CATALOGUE)


# the sets of the Challenge of 2021, by their folders: how many recordings, and their megabytes
_SETS = {
    folder: FileSet(
        {f"training/{folder}/*.{ending}": recordings for ending in ("hea", "mat")}, size * MB
    )
    for folder, recordings, size in (
        ("cpsc_2018", 6_877, 1_320),
        ("cpsc_2018_extra", 3_453, 670),
        ("st_petersburg_incart", 74, 820),
        ("ptb", 516, 1_370),
        ("ptb-xl", 21_837, 2_650),
        ("georgia", 10_344, 1_250),
        ("chapman_shaoxing", 10_247, 1_250),
        ("ningbo", 34_905, 4_240),
    )
}
_CHALLENGE = "challenge-2021/1.0.3"


def _challenge_set(folder: str, title: str) -> Published:
    return Published(
        f"{title}, as in the PhysioNet/CinC Challenge 2021 (1.0.3)",
        "physionet",
        _CHALLENGE,
        always=_SETS[folder],
        strip=f"training/{folder}/",
    )


def _code15_part(number: int) -> FileSet:
    """One of 18 files of 4096 samples in 12 leads of four bytes, and an id, for each row."""
    rows, size = (20_001, 2_680 * MB) if number < 17 else (5_780, 780 * MB)
    unpacked = rows * (4096 * 12 * 4 + 8) + 16 * MB  # and what HDF5 adds
    return FileSet({f"exams_part{number}.zip": 1}, size, unpacked)


# the name of the source -> what it reads
CATALOGUE: dict[str, Published] = {
    "ptbxl": Published(
        "PTB-XL 1.0.3",
        "physionet",
        "ptb-xl/1.0.3",
        always=FileSet({"ptbxl_database.csv": 1, "scp_statements.csv": 1}, 6 * MB),
        parts={
            folder: FileSet({f"{folder}/*.hea": 21_799, f"{folder}/*.dat": 21_799}, size)
            for folder, size in (("records100", 540 * MB), ("records500", 2_630 * MB))
        },
    ),
    "ptb_diagnostic": Published(
        "PTB Diagnostic ECG Database 1.0.0",
        "physionet",
        "ptbdb/1.0.0",
        always=FileSet({f"patient*.{end}": 549 for end in ("hea", "dat", "xyz")}, 1_800 * MB),
    ),
    "cpsc2018": _challenge_set("cpsc_2018", "CPSC 2018"),
    "cpsc2018_extra": _challenge_set("cpsc_2018_extra", "CPSC 2018, unused recordings"),
    "incart": _challenge_set("st_petersburg_incart", "St Petersburg INCART"),
    "ptb": _challenge_set("ptb", "PTB Diagnostic"),
    "ptbxl_challenge": _challenge_set("ptb-xl", "PTB-XL"),
    "georgia": _challenge_set("georgia", "Georgia"),
    "chapman": _challenge_set("chapman_shaoxing", "Chapman-Shaoxing"),
    "ningbo": _challenge_set("ningbo", "Ningbo"),
    "chapman_ningbo": Published(
        "Chapman-Shaoxing and Ningbo 1.0.0",
        "physionet",
        "ecg-arrhythmia/1.0.0",
        always=FileSet(
            {
                "ConditionNames_SNOMED-CT.csv": 1,
                **{f"WFDBRecords/*.{ending}": 45_152 for ending in ("hea", "mat")},
            },
            5_480 * MB,
        ),
    ),
    "challenge": Published(
        "PhysioNet/CinC Challenge 2021 (1.0.3)",
        "physionet",
        _CHALLENGE,
        always=FileSet({}, 0),
        parts=_SETS,
        strip="training/",
    ),
    "ludb": Published(
        "Lobachevsky University Database 1.0.1",
        "physionet",
        "ludb/1.0.1",
        always=FileSet({"ludb.csv": 1, "data/*": 2_800}, 25 * MB),
    ),
    "code_test": Published(
        "CODE-test 1.0.3",
        "zenodo",
        "3765780",
        always=FileSet({"data.zip": 1}, 218 * MB, unpacked=400 * MB),
        archives={"data.zip": "data/"},
    ),
    "code15": Published(
        "CODE-15% 1.0.0",
        "zenodo",
        "4916206",
        always=FileSet({"exams.csv": 1}, 30 * MB),
        parts={f"exams_part{number}": _code15_part(number) for number in range(18)},
        archives={"exams_part*.zip": ""},
    ),
    "chapman_csv": Published(
        "Chapman-Shaoxing, the original release",
        "figshare",
        "4560497",
        always=FileSet({"Diagnostics.xlsx": 1, "ECGData.zip": 1}, 756 * MB, unpacked=12 * GB),
        archives={"ECGData.zip": ""},
    ),
    "sph": Published(
        "Shandong Provincial Hospital Database 1",
        "figshare",
        "5779802",
        always=FileSet(
            {"metadata.csv": 1, "code.csv": 1, "records.tar.gz": 1},
            2_283 * MB,
            unpacked=2_400 * MB,
        ),
        archives={"records.tar.gz": ""},
    ),
}


@functools.cache
def list_unpublished() -> Mapping[str, str]:
    """Sources of what nobody publishes, and what to do instead; imports all sources."""
    return {
        name: corpus.not_published
        for name in SOURCES
        if (corpus := corpus_of(name)) is not None and corpus.not_published
    }
