"""The figures of docs/data.md on signatures, on a part of the real ECGs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "signature_margins.py"


@pytest.mark.long
@pytest.mark.real
def test_copies_and_patients_are_far_apart(real_data):
    said = subprocess.run(
        [sys.executable, TOOL, "--data", real_data, "--shifted", "40"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    lowest = float(re.search(r"copies: 540 pairs, lowest ([0-9.]+)", said)[1])
    highest = float(re.search(r"different patients: [0-9,]+ pairs, highest ([0-9.]+)", said)[1])
    assert lowest > 0.99
    assert highest < 0.8
    assert "begins 4 ms later: 100.0% found" in said
    assert "begins 20 ms later: 0.0% found" in said
