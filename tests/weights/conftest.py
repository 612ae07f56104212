"""Where the weights are that other groups published."""

import pytest


@pytest.fixture(scope="session")
def published(real_data):
    """The folder of their files, or a skip."""
    if not (real_data / "weights").is_dir():
        pytest.skip(f"needs published weights in {real_data / 'weights'}")
    return real_data / "weights"
