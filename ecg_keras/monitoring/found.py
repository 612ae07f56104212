"""What monitoring finds, as plain values and in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ecg_keras.monitoring.alarms import OutputCheck
from ecg_keras.text import plural, text_table
from ecg_keras.validation import DatasetComparison, Numbers

EVERYTHING = "all"


@dataclass(frozen=True)
class Period:
    """What was received in a month, or another period, or altogether.

    Attributes:
        name: such as ``"2026-03"``; ``"all"`` where no times are known.
        records: how many recordings.
        answered: of how many the network said something.
        known: of how many the truth of a label is known.
        checks: of what the network said.
        inputs: how the figures of the signals differ from the training split; ``None`` where they
            could not be compared.
        probabilities: how those of each label are distributed.
    """

    name: str
    records: int
    answered: int
    known: int
    checks: tuple[OutputCheck, ...]
    inputs: DatasetComparison | None
    probabilities: Mapping[str, Numbers] = field(default_factory=dict, repr=False)

    @property
    def alarms(self) -> tuple[str, ...]:
        """A line for all that differs by more than allowed."""
        of_inputs = self.inputs.anomalies() if self.inputs is not None else ()
        lines = [f"{one.feature}: {one.long.rpartition(' (skew')[0]}" for one in of_inputs]
        return (*lines, *(one.line() for one in self.checks if one.differs))


@dataclass(frozen=True)
class Monitoring:
    """All that was found.

    Attributes:
        run: the network's.
        received: what was looked at.
        references: what it was compared with, in words.
        periods: everything, and each period where there are several.
        usual: how the probabilities of each label are distributed in the reference.
        remarks: what was not looked at, and why.
    """

    run: str
    received: tuple[str, ...]
    references: tuple[str, ...]
    periods: tuple[Period, ...]
    usual: Mapping[str, Numbers] = field(default_factory=dict, repr=False)
    remarks: tuple[str, ...] = ()

    @property
    def alarms(self) -> tuple[str, ...]:
        """A line for all that differs by more than allowed, with its period."""
        return tuple(f"{one.name}: {line}" for one in self.periods for line in one.alarms)

    @property
    def summary(self) -> str:
        """How many alarms there are, in a line."""
        count = len(self.alarms)
        found = plural(count, "alarm") if count else "no alarm"
        return f"{self.run}: {plural(self.periods[0].records, 'recording')}, {found}"

    def table(self) -> str:
        """The periods as aligned plain text, and the alarms below."""
        header = ["period", "recordings", "answered", "truth known", "checks", "alarms"]
        rows = []
        for one in self.periods:
            checks = len(one.checks) + (len(one.inputs.distances) if one.inputs else 0)
            counts = (one.records, one.answered, one.known, checks, len(one.alarms))
            rows.append([one.name, *map(str, counts)])
        return "\n\n".join(
            [text_table(header, rows), *(["\n".join(self.alarms)] * bool(self.alarms))]
        )

    def as_json(self) -> dict[str, Any]:
        """What `ecg-keras monitor --json` writes."""
        return {
            "run": self.run,
            "received": list(self.received),
            "references": list(self.references),
            "remarks": list(self.remarks),
            "alarms": list(self.alarms),
            "periods": [
                {
                    "name": one.name,
                    "records": one.records,
                    "answered": one.answered,
                    "known": one.known,
                    "checks": [asdict(check) for check in one.checks],
                    "inputs": [
                        {
                            "feature": each.feature,
                            "measure": each.measure,
                            "distance": each.value,
                            "allowed": each.allowed,
                        }
                        for each in (one.inputs.distances if one.inputs else ())
                    ],
                }
                for one in self.periods
            ],
        }
