"""Which folder of shards holds the dataset of a recipe, whatever version of the package made it."""

from __future__ import annotations

import glob
from contextlib import suppress
from pathlib import Path

from ecg_keras.config import Data, data_changes
from ecg_keras.data.dataset import Dataset, read_dataset
from ecg_keras.data.earlier import is_accepted
from ecg_keras.data.fingerprints import combine, digest_of
from ecg_keras.errors import DataError


def find_shards(data: Data) -> tuple[Path, str]:
    """The folder and the fingerprint of a recipe's dataset, there or still to be made.

    It is ``data.shards/SOURCE-LABELSET-FINGERPRINT``. Where that is not there and an earlier
    version made this dataset, it is that one, under its own fingerprint, so that the runs that were
    trained on it stay valid.

    Args:
        data: the ``data`` section of a recipe.

    Raises:
        DataError: there are no raw files, or a table that names them can't be read.

    Example:
        >>> folder, fingerprint = find_shards(data)
        >>> folder.name.endswith(fingerprint[:12])
        True
    """
    digest = digest_of(data)
    fingerprint = combine(data, digest)
    stem = f"{data.source.rpartition('.')[2]}-{data.label_set or 'default'}-"
    usual = data.shards / f"{stem}{fingerprint[:12]}"
    if (usual / "dataset.json").is_file():
        return usual, fingerprint
    for path in sorted(data.shards.glob(f"{glob.escape(stem)}*/dataset.json")):
        with suppress(DataError):  # a damaged dataset is none of ours
            made = read_dataset(path)
            if is_made_of(path.parent, made, data, digest):
                return path.parent, made.fingerprint
    return usual, fingerprint


def dataset_fingerprint(data: Data) -> str:
    """The fingerprint that the dataset of these settings and raw files has or will have.

    Args:
        data: the ``data`` section of a recipe.

    Raises:
        DataError: as `find_shards`.

    Example:
        >>> dataset_fingerprint(data) == describe(data.shards / "ptbxl-default").fingerprint
        True
    """
    return find_shards(data)[1]


def is_made_of(folder: Path, made: Dataset, data: Data, digest: str) -> bool:
    """Whether a finished dataset is the one that these settings and raw files make.

    Args:
        folder: of its shards.
        made: its ``dataset.json``.
        data: the settings.
        digest: of the raw files, `digest_of`.

    Raises:
        DataError: a table of the raw files or a shard can't be read.
    """
    if made.fingerprint == combine(data, digest):
        return True
    return (
        made.raw_by == "times"
        and not data_changes(made.settings, data)
        and is_accepted(folder, made, data, digest)
    )
