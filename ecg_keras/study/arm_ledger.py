"""What each way of training of a study costs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ecg_keras.statistics import ArmName, Compared, LedgerRow, ledger_row
from ecg_keras.study.comparing import Arms
from ecg_keras.training import Run


def keep_ledger(arms: Arms, comparisons: Sequence[Compared]) -> tuple[LedgerRow, ...]:
    """A row for each reference and each arm that was compared with it, in seconds of training.

    Args:
        arms: those that have finished.
        comparisons: of one protocol.
    """
    users: dict[str, set[ArmName]] = {}
    for compared in comparisons:
        for folder in _upstreams(arms, compared.arm):
            users.setdefault(folder, set()).add(compared.arm)
    rows: dict[ArmName, LedgerRow] = {}
    for compared in comparisons:
        of_arm, of_reference = compared.speed.seconds
        if compared.reference not in rows:
            rows[compared.reference] = ledger_row(
                _title(compared.reference),
                compared.reference.way,
                own=arms[compared.reference].seconds,
                to_quality=of_reference,
                reference_to_quality=of_reference,
                pretraining=0.0,
                shared_by=1,
            )
        upstreams = _upstreams(arms, compared.arm)
        rows[compared.arm] = ledger_row(
            _title(compared.arm),
            compared.arm.way,
            own=arms[compared.arm].seconds,
            to_quality=of_arm,
            reference_to_quality=of_reference,
            pretraining=_seconds(upstreams),
            shared_by=max((len(users[folder]) for folder in upstreams), default=1),
            ratio=compared.speed.seconds_ratio,
            seeds=compared.contrast.seeds,
        )
    return tuple(rows.values())


def _title(name: ArmName) -> str:
    size = f", {name.size} ECGs" if name.size else ""
    head = "" if name.head == "as_published" else f", {name.head} head"
    return f"{name.downstream}, {name.backbone}{head}{size}"


def _upstreams(arms: Arms, name: ArmName) -> tuple[str, ...]:
    """The run folders of the pre-trainings that an arm starts from."""
    return tuple(sorted({cell.upstream for cell in arms[name].runs if cell.upstream is not None}))


def _seconds(folders: Sequence[str]) -> float:
    """Of a pre-training, the mean of those that were used."""
    known = [Run(Path(folder)).read_status().get("seconds", 0.0) for folder in folders]
    return float(np.mean(known)) if known else 0.0
