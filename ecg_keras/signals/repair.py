"""`Fault` and `Repair`: what is not as a database says, and what makes it right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ecg_keras.array_types import AnyArray

# fewer recordings than this prove no fault of a database
LEAST_RECORDS = 3


@dataclass(frozen=True)
class Repair:
    """A change of every recording of a database.

    Attributes:
        leads: the lead that a column holds, by the name that the column has; only columns that
            hold another lead.
        gains: what a lead is multiplied by, by its true name; only those that are not 1.
        factor: what all leads are multiplied by.
        rate_factor: what the sampling rate is multiplied by.
    """

    leads: Mapping[str, str] = field(default_factory=dict)
    gains: Mapping[str, float] = field(default_factory=dict)
    factor: float = 1.0
    rate_factor: float = 1.0

    def apply(
        self, values: AnyArray, sampling_rate: float, leads: Sequence[str]
    ) -> tuple[AnyArray, float, tuple[str, ...]]:
        """The recording as it should have been: samples, sampling rate in Hz and names.

        The array is the very same where no sample changes."""
        named = tuple(self.leads.get(lead, lead) for lead in leads)
        gains = np.array([self.factor * self.gains.get(lead, 1.0) for lead in named])
        if np.any(gains != 1):
            values = values * gains.astype(values.dtype)
        return values, sampling_rate * self.rate_factor, named

    def then(self, other: Repair) -> Repair:
        """Both in one, where they change different things."""
        return Repair(
            {**self.leads, **other.leads},
            {**self.gains, **other.gains},
            self.factor * other.factor,
            self.rate_factor * other.rate_factor,
        )

    def sentences(self) -> tuple[str, ...]:
        """What it does to every recording, in words."""
        inverted = [lead for lead, gain in self.gains.items() if gain == -1]
        changes = [
            (
                self.leads,
                f"the columns {', '.join(self.leads)} are read as {', '.join(self.leads.values())}",
            ),
            (inverted, f"lead {', '.join(inverted)} is multiplied by -1"),
            *(
                (gain != -1, f"lead {lead} is multiplied by {gain:.4g}")
                for lead, gain in self.gains.items()
            ),
            (self.factor != 1, f"all samples are multiplied by {self.factor:g}"),
            (self.rate_factor != 1, f"the sampling rate is multiplied by {self.rate_factor:g}"),
        ]
        return tuple(sentence for is_made, sentence in changes if is_made)


@dataclass(frozen=True)
class Fault:
    """One thing that is not what a database says it is.

    Attributes:
        what: in words.
        evidence: the figures behind it.
        repair: what makes it right; ``None`` where the signals do not show it.
    """

    what: str
    evidence: str
    repair: Repair | None


def figure(value: float) -> str:
    """Three digits of a number as people write it, never with an exponent: 1050, 0.000102, 2."""
    return np.format_float_positional(value, precision=3, fractional=False, trim="-")
