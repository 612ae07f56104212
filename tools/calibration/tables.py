"""Shares with their Monte Carlo error, and Markdown tables of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import markdown_tables
import numpy as np


def share(hits: Sequence[bool] | Sequence[float]) -> str:
    """A share in per cent with its Monte Carlo standard error."""
    mean = float(np.mean(hits))
    # one trial in two more on either side, so that 0 of 100 does not look certain
    smooth = (mean * len(hits) + 1) / (len(hits) + 2)
    return f"{100 * mean:.1f} ± {100 * math.sqrt(smooth * (1 - smooth) / len(hits)):.1f}"


def table(rows: Sequence[dict[str, str]], columns: Sequence[str]) -> str:
    """A row for each scenario, whose cells it has by the names of columns."""
    names = ("scenario", *columns)
    return markdown_tables.table(names, ([row.get(name, "") for name in names] for row in rows))
