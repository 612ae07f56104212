"""The four findings of Nguyen & Do (PLoS ONE 2025), tested on a study's results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """One claim, and what the study says of it.

    Attributes:
        claim: in the paper's sense.
        word: ``confirmed``, ``refuted``, or ``undecided`` (which includes: not looked at).
        evidence: the figures behind the word, in a sentence or two.
    """

    claim: str
    word: Literal["confirmed", "refuted", "undecided"]
    evidence: str
