"""What is in the working folder of a finished project."""

import json
from pathlib import Path


def shards_of(folder: Path, run: str) -> Path:
    """The shards that a run names."""
    status = json.loads((folder / "runs" / run / "status.json").read_text())
    return folder / "shards" / Path(status["shards"]).name
