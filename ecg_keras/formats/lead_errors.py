"""What is said of a recording of which no channel is a lead, in every format."""

from __future__ import annotations

from collections.abc import Iterable

from ecg_keras.errors import DataError, printable
from ecg_keras.signals import LEADS

BY_SPELLING = "data.folder.lead_names"
BY_COLUMN = "data.folder.leads"


def no_lead(what: str, names: Iterable[str], setting: str = BY_SPELLING) -> DataError:
    """The error that none of the signals, channels or columns of those names is a lead."""
    received = printable(", ".join(name or "(no name)" for name in names)[:200]) or "none"
    return DataError(
        f"none of its {what} is one of the leads {', '.join(LEADS)}. Received: {received}. Where "
        f"one of them is a lead, name it with {setting}."
    )
