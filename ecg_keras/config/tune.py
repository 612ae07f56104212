"""The ``tune`` section: settings that every arm is tried with, and how one of them is chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from ecg_keras.config.metric_names import Chooser
from ecg_keras.config.values import Positive, Settings, leaves

# sections of a recipe that a candidate may change: data, labels and scores are those of the arm
TUNABLE = ("training", "model")
# from an edge of the rates to the one beyond it
LEAST_STEP = 1.5
RAW_LOSS = (
    "the loss on validation does not choose: it punishes networks that are too sure of themselves "
    "more than those that have learnt little, so it prefers rates that are too low. Take "
    "calibrated_loss, the loss after one temperature was fitted, or a score"
)


class Candidate(Settings):
    """One setting that an arm is tried with: what it changes of the arm's recipe."""

    rate: Positive = 1.0
    decay: Annotated[float, Field(gt=0, le=1)] | None = None
    head_epochs: int | None = Field(default=None, ge=1)
    recipe: dict[str, Any] = Field(default_factory=dict)

    @field_validator("recipe")
    @classmethod
    def _changes_how_it_is_trained(cls, recipe: dict[str, Any]) -> dict[str, Any]:
        others = [key for key in recipe if key not in TUNABLE]
        if others:
            raise ValueError(
                f"a candidate changes {' and '.join(TUNABLE)}, so that all arms are asked the same "
                f"about the same ECGs. Received: {', '.join(others)}"
            )
        return recipe

    @property
    def name(self) -> str:
        """``rate 0.1, decay 0.7``."""
        words = (("rate", self.rate), ("decay", self.decay), ("head", self.head_epochs))
        settings = [f"{word} {value:g}" for word, value in words if value is not None]
        further = (f"{'.'.join(key)} {value}" for key, value in leaves(self.recipe))
        return ", ".join([*settings, *further])


class Tune(Settings):
    """Candidates for an arm, one of which is chosen on the validation split."""

    candidates: Annotated[tuple[Candidate, ...], Field(strict=False)] = (
        Candidate(rate=0.1, decay=0.7),
        Candidate(rate=0.3),
        Candidate(rate=1.0),
        Candidate(rate=3.0),
    )
    extend: bool = True
    by: Chooser | None = None
    epochs: Annotated[float, Field(gt=0, le=1)] = 1.0

    @field_validator("by", mode="before")
    @classmethod
    def _is_no_raw_loss(cls, by: Any) -> Any:
        if by in ("loss", "val_loss"):
            raise ValueError(RAW_LOSS)
        return by

    @model_validator(mode="after")
    def _are_different(self) -> Tune:
        names = [one.name for one in self.candidates]
        if len(names) < 2 or len(set(names)) < len(names):
            raise ValueError("candidates must be at least two different ones")
        return self


Edge = Literal["lowest", "highest"]


def beyond(
    tune: Tune, chosen: str, rates: Mapping[str, float] | None = None
) -> tuple[Edge, Candidate] | None:
    """The candidate one step beyond the edge of the grid that a choice is at.

    The step is as large as that between the choice's rate and the one next to it, and at least by a
    factor of 1.5: rates that are nearer show no more of what is beyond.

    Args:
        tune: the section.
        chosen: name of a candidate.
        rates: learning rate of each candidate by its name, where they may set phases of their own;
            ``None`` where ``rate`` is all in which they differ.

    Returns:
        Which edge, and the further candidate; ``None`` where the choice has other rates on both
        sides, or all rates are equal.

    Example:
        >>> edge, further = beyond(Tune(), "rate 3")
        >>> edge, further.name
        ('highest', 'rate 9')
    """
    named = rates or {one.name: one.rate for one in tune.candidates}
    different = {rounded(rate): rate for rate in sorted(named.values())}
    (own,) = (one for one in tune.candidates if one.name == chosen)
    ends = list(different)[:: len(different) - 1 or 1]
    if len(different) < 2 or rounded(named[chosen]) not in ends:
        return None
    edge: Edge = "lowest" if rounded(named[chosen]) == ends[0] else "highest"
    end, *others = list(different.values())[:: 1 if edge == "lowest" else -1]
    steps = (end / other for other in others)
    least = 1 / LEAST_STEP if edge == "lowest" else LEAST_STEP
    step = next((one for one in steps if rounded(max(one, 1 / one)) >= LEAST_STEP), least)
    return edge, own.model_copy(update={"rate": rounded(own.rate * step)})


def rounded(rate: float) -> float:
    """A rate without the noise of floating-point products."""
    return float(f"{rate:.6g}")
