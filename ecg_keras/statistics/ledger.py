"""What each way of training costs, with and without its share of the pre-training."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LedgerRow:
    """The cost of one way of training, in seconds of this machine.

    Attributes:
        title: downstream, backbone and size.
        way: mode and upstream.
        own: seconds of a whole run.
        to_quality: seconds until the reference's quality on validation; ``None`` where never.
        pretraining: seconds of the upstream's pre-training; 0 from random weights.
        shared_by: how many downstream ways of this study start from that pre-training.
        saved: seconds that one run saves to the same quality against the reference, before
            pre-training; ``None`` where one of them never reaches it, negative where it is slower.
        tasks_to_pay: downstream tasks after which the pre-training has paid for itself in time;
            ``None`` where it never does.
    """

    title: str
    way: str
    own: float
    to_quality: float | None
    pretraining: float
    shared_by: int
    saved: float | None
    tasks_to_pay: float | None
