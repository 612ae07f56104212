"""A card: what weights that others published want as input, mean as output, and have seen."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from ecg_keras.config.values import Names, Positive, Settings, Strength

# how many of each unit a millivolt has
UNITS = {"mV": 1.0, "uV": 1000.0, "V": 0.001, "1e-4 V": 10.0}
Hz = Annotated[tuple[Positive, ...], Field(strict=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Numbers = Annotated[tuple[Finite, ...], Field(strict=False)]
# of a signal: far more than any network takes, and few enough for its layers to be made
MAX_SAMPLES = 1_000_000


class CardFilter(Settings):
    """One filter that each lead went through; in a card they are in the order of their use."""

    kind: Literal["notch", "highpass", "lowpass", "bandpass", "median"]
    hz: Positive | Hz | None = None
    order: int | None = Field(default=None, ge=1, le=20)
    quality: Positive | None = None
    zero_phase: bool = True
    seconds: Hz = ()

    @property
    def edges(self) -> tuple[float, ...]:
        """The frequencies in ``hz``, of which a bandpass has two and a median none."""
        return self.hz if isinstance(self.hz, tuple) else () if self.hz is None else (self.hz,)

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> CardFilter:
        needs = {
            "notch": ("hz", "quality"),
            "median": ("seconds",),
        }.get(self.kind, ("hz", "order"))
        given = [name for name in ("hz", "order", "quality", "seconds") if getattr(self, name)]
        if set(given) != set(needs):
            raise ValueError(
                f"a {self.kind} filter has {' and '.join(needs)}. Received: "
                f"{' and '.join(given) or 'none of these'}"
            )
        edges = self.edges
        if self.kind != "median" and len(edges) != 1 + (self.kind == "bandpass"):
            raise ValueError(
                "hz is one number, and for a bandpass the lower and the upper edge, such as "
                f"[0.5, 40]. Received: {self.hz}"
            )
        if list(edges) != sorted(set(edges)):
            raise ValueError(f"hz of a bandpass rises, such as [0.5, 40]. Received: {self.hz}")
        return self


class CardScaling(Settings):
    """What was done to the numbers of one ECG, after unit and filters.

    ``zscore`` and ``minmax`` take their figures from each lead or from all together;
    ``standardise`` has one mean and standard deviation per lead.
    """

    kind: Literal["none", "zscore", "minmax", "standardise"] = "none"
    over: Literal["lead", "all"] = "lead"
    ddof: Literal[0, 1] = 0
    floor: Strength = 0.0
    to: Annotated[tuple[Finite, Finite], Field(strict=False)] = (-1.0, 1.0)
    mean: Numbers = ()
    std: Numbers = ()

    @model_validator(mode="after")
    def _has_figures_where_needed(self) -> CardScaling:
        if self.kind != "standardise" and (self.mean or self.std):
            raise ValueError(f"mean and std belong to standardise. Received: kind {self.kind}")
        if self.kind == "standardise" and (not self.mean or min(self.std, default=0) <= 0):
            raise ValueError(
                "standardise has mean and std, one per lead in the card's unit, or one for all; "
                f"std is above 0. Received: mean {self.mean}, std {self.std}"
            )
        return self


class SeenData(Settings):
    """Recordings that the weights were trained or chosen on: a database, or some of its splits."""

    database: str = Field(min_length=1)
    splits: Annotated[
        tuple[Literal["train", "valid", "test"], ...], Field(strict=False, min_length=1)
    ] = ("train", "valid", "test")
    folds: Annotated[tuple[int, ...], Field(strict=False)] = ()
    # that it has none of the names that the leakage guard knows
    unlisted: bool = False

    def is_of(self, name: str) -> bool:
        """Whether it is the database of a name: PTB-XL and ptbxl are the same."""
        ours, theirs = (
            "".join(sign for sign in one.lower() if sign.isalnum()) for one in (self.database, name)
        )
        return ours == theirs


class WeightsCard(Settings):
    """What a file of published weights wants, means and has seen: docs/weights.md."""

    KIND: ClassVar[str] = "card"

    family: str = Field(min_length=1)
    sampling_rate: Positive
    samples: int | None = Field(default=None, ge=1)
    seconds: Positive | None = None
    leads: Names
    unit: Literal["mV", "uV", "V", "1e-4 V"]
    filters: Annotated[tuple[CardFilter, ...], Field(strict=False)] = ()
    scaling: CardScaling = CardScaling()
    output: Literal["logits", "probabilities"]
    labels: Names
    seen: Annotated[tuple[SeenData, ...], Field(strict=False)]
    licence: str = Field(min_length=1)
    citation: str = Field(min_length=1)
    url: str = Field(min_length=1)
    sha256: str | None = None

    @property
    def num_samples(self) -> int:
        """Of the signal that the network was trained on."""
        return self.samples or round((self.seconds or 0) * self.sampling_rate)

    @property
    def per_millivolt(self) -> float:
        """How many of the card's unit a millivolt has."""
        return UNITS[self.unit]

    @field_validator("labels", "leads")
    @classmethod
    def _different(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(names)) < len(names):
            raise ValueError("must be different names, in the order of the network's channels")
        if not names or not all(name.strip() and name.isprintable() for name in names):
            raise ValueError(f"has at least one name, each on one line. Received: {names!r:.80}")
        return names

    @field_validator("sha256")
    @classmethod
    def _is_sha256(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch("[0-9a-f]{64}", value):
            raise ValueError(
                f"must be 64 of the digits 0-9 and a-f, as sha256sum prints. Received: {value:.80}"
            )
        return value

    @model_validator(mode="after")
    def _one_length(self) -> WeightsCard:
        if (self.samples is None) == (self.seconds is None):
            raise ValueError("a card has either samples or seconds, not both")
        length = self.samples or (self.seconds or 0) * self.sampling_rate
        if not 1 <= length <= MAX_SAMPLES:
            raise ValueError(f"a signal has 1 to {MAX_SAMPLES} samples. Received: {length:g}")
        return self

    @model_validator(mode="after")
    def _fits_together(self) -> WeightsCard:
        check_signals(
            self.filters,
            self.scaling,
            leads=len(self.leads),
            sampling_rate=self.sampling_rate,
            num_samples=self.num_samples,
        )
        return self


def check_signals(
    filters: Sequence[CardFilter],
    scaling: CardScaling,
    *,
    leads: int,
    sampling_rate: float,
    num_samples: int,
) -> None:
    """Refuses filters and a scaling that signals of this shape and rate can't have.

    Args:
        filters, scaling: of a card, or of ``model.preprocessing``.
        leads: how many the network gets.
        sampling_rate: of the signals, in Hz.
        num_samples: of each signal.

    Raises:
        ValueError: a frequency is too high, a running median too short or too long, or the figures
            of a scaling are not as many as leads.

    Example:
        >>> notch = CardFilter(kind="notch", hz=50.0, quality=30.0)
        >>> check_signals([notch], CardScaling(), leads=12, sampling_rate=500.0, num_samples=5000)
    """
    for name in ("mean", "std"):
        if len(getattr(scaling, name)) not in (0, 1, leads):
            raise ValueError(f"scaling.{name} has one number, or one for each of {leads} leads")
    highest = max((edge for one in filters for edge in one.edges), default=0)
    if highest >= sampling_rate / 2:
        raise ValueError(
            f"a filter's hz is below half the sampling rate, {sampling_rate / 2:g}. "
            f"Received: {highest:g}"
        )
    for window in (seconds for one in filters for seconds in one.seconds):
        # a median of less than three samples is the sample, which would leave nothing of it
        if not 2 <= window * sampling_rate <= num_samples:
            raise ValueError(
                "each of a median filter's seconds is at least two samples and at most the "
                f"whole signal. Received: {window:g} at {sampling_rate:g} Hz"
            )
