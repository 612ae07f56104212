"""What each way of training costs, with and without its share of the pre-training."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ecg_keras.errors import ConfigError
from ecg_keras.evaluation import Estimate


@dataclass(frozen=True)
class LedgerRow:
    """The cost of one way of training, in seconds of this machine.

    Attributes:
        title: downstream, backbone and size.
        way: mode and upstream.
        own: seconds of a whole run.
        to_quality: seconds until the reference's quality on validation; ``None`` where never.
        pretraining: seconds of the upstream's pre-training; 0 from random weights, ``None`` where
            they are not known, as those of published weights.
        shared_by: how many downstream ways of this study start from that pre-training.
        saved: seconds that one run saves to the same quality against the reference, before
            pre-training; ``None`` where one of them never reaches it, negative where it is slower.
        tasks_to_pay: downstream tasks after which the pre-training has paid for itself in time;
            ``None`` where it never does, or what it took is not known.
        saved_interval: the interval of ``saved`` over runs; ``None`` where it is unknown.
        seeds: that both ways were trained with; of one seed the interval is over folds alone.
        mode, upstream: of the way; the upstream is empty for random first weights.
    """

    title: str
    way: str
    own: float
    to_quality: float | None
    pretraining: float | None
    shared_by: int
    saved: float | None
    tasks_to_pay: float | None
    saved_interval: tuple[float, float] | None = None
    seeds: int = 1
    mode: str = ""
    upstream: str = ""

    @property
    def share(self) -> float | None:
        """Seconds of the pre-training that fall to this way: the same for all that start there."""
        return None if self.pretraining is None else self.pretraining / max(self.shared_by, 1)

    @property
    def saved_with_share(self) -> float | None:
        """Seconds saved once the share of the pre-training is taken off; negative: lost."""
        return None if self.saved is None or self.share is None else self.saved - self.share


def ledger_row(
    title: str,
    way: str,
    *,
    own: float,
    to_quality: float | None,
    reference_to_quality: float | None,
    pretraining: float | None,
    shared_by: int,
    ratio: Estimate | None = None,
    seeds: int = 1,
    mode: str = "",
    upstream: str = "",
) -> LedgerRow:
    """What one way of training costs, and when its pre-training pays.

    ``saved = reference_to_quality - to_quality`` and ``tasks_to_pay = pretraining / saved``: with
    that many downstream tasks like this one, the time that they save together is the time that the
    pre-training took. A part of a task is given as such: 2.3 means that it pays with the third.

    Args:
        title: downstream, backbone and size.
        way: mode and upstream.
        own: seconds of a whole run.
        to_quality, reference_to_quality: seconds until this way and the reference reach the same
            quality, `Speed.seconds`; ``None`` where one never does.
        pretraining: seconds of one pre-training; 0 from random weights, ``None`` where unknown.
        shared_by: ways that start from it, at least 1 where there is one.
        ratio: of ``to_quality`` to ``reference_to_quality`` with its interval,
            `Speed.seconds_ratio`.
        seeds: that both ways were trained with.
        mode, upstream: of the way.

    Raises:
        ConfigError: a number is negative or not finite, or no way shares the pre-training.

    Example:
        >>> row = ledger_row(
        ...     "ptb, resnet1d18", "finetune from georgia", own=80.0, to_quality=20.0,
        ...     reference_to_quality=50.0, pretraining=600.0, shared_by=4,
        ... )
        >>> row.saved, row.tasks_to_pay, row.share, row.saved_with_share
        (30.0, 20.0, 150.0, -120.0)
    """
    numbers = {
        "own": own,
        "to_quality": to_quality,
        "reference_to_quality": reference_to_quality,
        "pretraining": pretraining,
    }
    for name, seconds in numbers.items():
        if seconds is not None and not 0 <= seconds < math.inf:
            raise ConfigError(
                f"{title}, {way}: {name} must be seconds, at least 0. Received: {seconds}."
            )
    if shared_by < (0 if pretraining == 0 else 1):
        raise ConfigError(
            f"{title}, {way}: shared_by must be at least 1 where there is a pre-training. "
            f"Received: {shared_by}."
        )
    saved, interval, tasks = None, None, None
    if to_quality is not None and reference_to_quality is not None:
        saved = reference_to_quality - to_quality
        if pretraining is not None and saved > 0:
            tasks = pretraining / saved
        if ratio is not None and not math.isnan(ratio.low):
            interval = (
                reference_to_quality * (1 - ratio.high),
                reference_to_quality * (1 - ratio.low),
            )
    return LedgerRow(
        title=title,
        way=way,
        own=own,
        to_quality=to_quality,
        pretraining=pretraining,
        shared_by=shared_by,
        saved=saved,
        tasks_to_pay=tasks,
        saved_interval=interval,
        seeds=seeds,
        mode=mode,
        upstream=upstream,
    )
