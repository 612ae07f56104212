"""The signal lines of a WFDB header."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def header_lines(
    samples: npt.NDArray[np.int16], storage: str, leads: Sequence[str], *, signed: bool
) -> list[str]:
    """One line for each signal: how it is stored, first value, checksum, block size and name.

    Args:
        samples: ``(num_samples, num_leads)``.
        storage: file, format, gain, resolution and zero, as they stand in the line.
        leads: names of the columns.
        signed: whether the 16-bit checksum is written with a sign; databases differ.

    Source:
        WFDB Applications Guide, header(5).

    Example:
        >>> samples = np.array([[1, -2], [3, -4]], dtype=np.int16)
        >>> header_lines(samples, "r.dat 16 1000/mV 16 0", ("I", "II"), signed=True)
        ['r.dat 16 1000/mV 16 0 1 4 0 I', 'r.dat 16 1000/mV 16 0 -2 -6 0 II']
    """
    sums = samples.sum(axis=0, dtype=np.int64)
    checksums = sums.astype(np.int16 if signed else np.uint16)
    return [
        f"{storage} {first} {checksum} 0 {lead}"
        for first, checksum, lead in zip(samples[0], checksums, leads, strict=True)
    ]
