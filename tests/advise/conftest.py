"""A target for the tests of advice."""

from dataclasses import replace
from pathlib import Path

import pytest
from advice_parts import dataset


@pytest.fixture
def shards(tmp_path, monkeypatch) -> Path:
    """A dataset without a record in its shards, which is all that is read here."""
    folder = tmp_path / "shards"
    folder.mkdir()
    card = replace(dataset(), leads=tuple(f"L{number}" for number in range(12)))
    (folder / "dataset.json").write_text(card.dump())
    return folder
