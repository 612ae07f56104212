"""The script that tries the callbacks in Keras users' combinations: none is wrong, as docs say."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "tools" / "callback_combinations.py"


def table(text: str) -> dict[str, str]:
    """Whether each combination is right or refused, by its name."""
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {name: seen.split(":")[0] for name, seen in rows if name not in ("---", "combination")}


@pytest.mark.long
def test_each_combination_is_right_or_refused_by_name():
    done = subprocess.run(
        [sys.executable, SCRIPT],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert "WRONG" not in done.stdout
    assert done.returncode == 0, done.stderr
    page = (ROOT / "docs" / "callbacks.md").read_text().partition("\n## What was tried\n")[2]
    found = table(done.stdout)
    missing = {name for name, seen in found.items() if seen == "not tried"}
    assert {name.split("Run")[0] for name in missing} <= {"Mlflow", "Wandb"}
    refused = {name: seen for name, seen in found.items() if seen == "refused"}
    assert refused == table(page)
    assert f"each of {len(found)} combinations" in page
    assert f"{len(found) - len(refused)} were right" in page
