"""Prints how far the figures of single records reach in real databases, for docs/quality.md.

Run it with the folder that holds ptbxl/, ludb/, challenge/ and chagas/:

    python tools/record_quality.py ../shared/data

Each database is converted as `ecg-keras prepare` does it, without being verified or written.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from markdown_tables import print_table

from ecg_keras.config import Data
from ecg_keras.data.conversion import Converted, convert
from ecg_keras.data.noted import lead_alone, noting
from ecg_keras.data.source_check import Verified
from ecg_keras.signals import LEADS
from ecg_keras.sources import source_of

# name -> folder, and what the recipe says of it
DATABASES = {
    "PTB-XL": ("ptbxl", {"source": "ptbxl"}),
    "LUDB": ("ludb", {"source": "ludb"}),
    "Challenge": ("challenge/training", {"source": "challenge"}),
    "CODE-15 % and SaMi-Trop": (
        "chagas",
        {"source": "folder", "folder": {"patient": None}, "short": "pad"},
    ),
}
COLUMNS = ("records", "peak mV", "rms mV", "identities mV", "beats/min", "flat", "clipped", "noted")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, help="folder with ptbxl/, ludb/, challenge/ and chagas/")
    parser.add_argument("--rate", type=float, default=100.0, help="of what is stored, in Hz")
    arguments = parser.parse_args()
    print_table(
        (f"{arguments.rate:g} Hz", *COLUMNS),
        (
            (name, *row(read(arguments.data / folder, settings, arguments.rate)))
            for name, (folder, settings) in DATABASES.items()
        ),
    )


def read(raw: Path, settings: dict[str, object], rate: float) -> list[tuple[Converted, int]]:
    """The records of a database that can be used, each with how many figures are noted."""
    data = Data.model_validate({**settings, "raw": raw, "sampling_rate": rate, "verify": "off"})
    source = source_of(data)
    label_set = next(iter(source.LABEL_SETS))
    infos = source.list_records(raw, label_set=label_set, sampling_rate=rate)
    note = noting(data, label_set, LEADS)
    outcomes = convert(infos, data, Verified())
    return [(one, len(note(one))) for one in outcomes if isinstance(one, Converted)]


def row(records: Sequence[tuple[Converted, int]]) -> list[str]:
    """The cells of a database: the least and the largest value of each figure."""
    quality = [dataclasses.asdict(one.quality) for one, _ in records]
    figures = [[one[name] for one in quality] for name in ("peak_mv", "rms_mv", "einthoven_mv")]
    rates = [one.traits.heart_rate for one, _ in records]
    flat = [float(lead_alone(one.lead_quality.flat).max()) for one, _ in records]
    clipped = [float(one.lead_quality.clipped.max()) for one, _ in records]
    return [
        f"{len(records)}",
        *(f"{np.nanmin(one):.2g} to {np.nanmax(one):.3g}" for one in (*figures[:2],)),
        f"up to {np.nanmax(figures[2]):.2g}",
        f"{np.nanmin(rates):.0f} to {np.nanmax(rates):.0f}",
        f"up to {max(flat):.2g}",
        f"up to {max(clipped):.2g}",
        f"{sum(count > 0 for _, count in records)}",
    ]


if __name__ == "__main__":
    main()
