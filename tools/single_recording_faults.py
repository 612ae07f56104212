"""Prints how often `signals.find_fault` names a fault in published recordings, as they are and with
exchanged electrodes or columns: python tools/single_recording_faults.py ../shared/data
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from ecg_keras.formats import find_recording, read_recording
from ecg_keras.records import Signal
from ecg_keras.signals import LEADS, find_fault, select_leads

PLACES = ("ptbxl/records100", "ludb/data", "challenge/training")
# of each lead, the column that holds it then, and the sign
CHANGES = {
    "as published": ([0, 1, 2, 3, 4, 5], [1, 1, 1, 1, 1, 1]),
    "arms exchanged": ([0, 2, 1, 4, 3, 5], [-1, 1, 1, 1, 1, 1]),
    "right arm and left leg exchanged": ([2, 1, 0, 5, 4, 3], [-1, -1, -1, 1, 1, 1]),
    "left arm and left leg exchanged": ([1, 0, 2, 3, 5, 4], [1, 1, -1, 1, 1, 1]),
    "columns I and II exchanged": ([1, 0, 2, 3, 4, 5], [1, 1, 1, 1, 1, 1]),
}


def main(root: Path) -> None:
    counts: Counter[str] = Counter()
    headers = [path for place in PLACES for path in sorted((root / place).rglob("*.hea"))]
    for header in headers:
        signal = read_recording(*find_recording(header), span=(0, 60))
        values = select_leads(signal.values, signal.leads, LEADS)
        for name, (columns, signs) in CHANGES.items():
            changed = values.copy()
            changed[:, :6] = values[:, columns] * signs
            counts[name] += find_fault(Signal(changed, signal.sampling_rate, LEADS)) is not None
    for name in CHANGES:
        share = counts[name] / len(headers)
        print(f"{name}: a fault in {counts[name]} of {len(headers)} ({share:.1%})")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
