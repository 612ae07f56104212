"""Shards of a small hospital whose source is a user's own module, `my_lab.hospital`."""

import pytest
from my_lab import hospital

from ecg_keras.config import Data
from ecg_keras.data.preparation import prepare


@pytest.fixture(scope="session")
def hospital_raw(tmp_path_factory):
    root = tmp_path_factory.mktemp("hospital") / "raw"
    hospital.write(root)
    return root


@pytest.fixture(scope="session")
def hospital_data(hospital_raw):
    return Data(source="my_lab.hospital", raw=hospital_raw, seconds=2)


@pytest.fixture(scope="session")
def hospital_shards(hospital_data, tmp_path_factory):
    """Read-only for tests: copy it to change it."""
    folder = tmp_path_factory.mktemp("shards") / "hospital"
    prepare(hospital_data, folder)
    return folder
