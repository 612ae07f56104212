"""What tests of files of weights have in common."""

import pytest

from ecg_keras.errors import DataError
from ecg_keras.weights import read_tensors


@pytest.fixture(scope="session")
def published(real_data):
    """The folder of weights that others published, or a skip."""
    if not (real_data / "weights").is_dir():
        pytest.skip(f"needs published weights in {real_data / 'weights'}")
    return real_data / "weights"


@pytest.fixture(scope="session")
def refusal():
    """A function that gives the one line in which a file is refused, without its name."""

    def refuse(path):
        with pytest.raises(DataError) as caught:
            read_tensors(path)
        message = str(caught.value)
        assert message.startswith(f"{path}: ") and "\n" not in message and message.endswith(".")
        return message.removeprefix(f"{path}: ")

    return refuse
