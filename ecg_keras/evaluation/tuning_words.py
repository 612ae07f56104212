"""How a run was tuned, in words and as a table."""

from __future__ import annotations

from collections.abc import Sequence

from ecg_keras.evaluation.choosing import CALIBRATED_LOSS
from ecg_keras.metrics import score_name
from ecg_keras.text import text_table
from ecg_keras.training import Tuned

HEADER = ("setting", "learning rate", "epochs", "{} on validation", "calibrated loss", "time")

UNKNOWN_TUNING = "How they were tuned is not known."
NO_RATE = "A ridge head has no rate to tune."


def describe_tuning(
    names: tuple[str, str],
    settings: tuple[int, int],
    beyond: tuple[int, int] = (0, 0),
    runs: int = 1,
) -> str:
    """How two networks, or ways of training, were tuned, in one sentence.

    Args:
        names: of the two.
        settings: that each was chosen from; 0 where it was not tuned.
        beyond: of how many runs of each one more was tried, beyond the edge of the rates.
        runs: of each.

    Example:
        >>> describe_tuning(("fine-tuned", "scratch"), (4, 4))
        'Each was tuned over 4 settings.'
        >>> describe_tuning(("fine-tuned", "scratch"), (4, 4), (3, 1), 15)
        'Each was tuned over 4 settings, and one beyond in 3 and 1 of 15 runs.'
        >>> describe_tuning(("fine-tuned", "scratch"), (0, 0))
        'Neither was tuned.'
    """
    ours, theirs = settings
    if ours == theirs == 0:
        return "Neither was tuned."
    if ours == theirs and (runs > 1 or beyond[0] == beyond[1]):
        return f"Each was tuned over {ours} settings{say_beyond(beyond, runs)}."
    how = [
        f"over {number} settings{say_beyond((further,), runs)}" if number else "not"
        for number, further in zip(settings, beyond, strict=True)
    ]
    return f"{names[0]} was tuned {how[0]}, {names[1]} {how[1]}."


def say_beyond(counts: Sequence[int], runs: int) -> str:
    """In how many of the runs of each way one setting more was tried; empty for none."""
    if not any(counts):
        return ""
    if runs == 1:
        return " and one beyond"
    return f", and one beyond in {' and '.join(map(str, counts))} of {runs} runs"


def tuning_sentence(tuned: Tuned) -> str:
    """What was tried, by what it was chosen, and what was chosen.

    Example:
        >>> print(tuning_sentence(tuned))  # doctest: +SKIP
        Chosen from 4 settings by macro AUROC on validation: rate 1 (0.831). Scores there ...
    """
    score = tuned.choice.loss if tuned.by == CALIBRATED_LOSS else tuned.choice.score
    further = " and one beyond the edge of their rates" * bool(tuned.further)
    value = "undefined" if score is None else f"{score:.3f}"
    return (
        f"Chosen from {tuned.settings} settings{further} by {by_name(tuned)} on validation: "
        f"{tuned.chosen} ({value}). Scores there flatter what was chosen by them; thresholds and "
        "calibration come from the same records, and nothing from the test split."
    )


def by_name(tuned: Tuned) -> str:
    """What chose, as a reader knows it."""
    return "calibrated loss" if tuned.by == CALIBRATED_LOSS else score_name(tuned.by)


def tuning_rows(tuned: Tuned) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Heading and rows, one for each candidate; the chosen one is marked."""
    score = "score" if tuned.by == CALIBRATED_LOSS else by_name(tuned)
    rows: list[tuple[str, ...]] = [
        (
            f"{one.name}{' (chosen)' * (one.name == tuned.chosen)}",
            f"{one.learning_rate:g}",
            f"{one.epochs:,}",
            ("diverged" if one.loss is None else "undefined")
            if one.score is None
            else f"{one.score:.3f}",
            "-" if one.loss is None else f"{one.loss:.3f}",
            f"{one.seconds:,.0f} s",
        )
        for one in tuned.candidates
    ]
    return tuple(head.format(score) for head in HEADER), rows


def tuning_table(tuned: Tuned) -> str:
    """The sentence, and the candidates as aligned plain text."""
    heading, rows = tuning_rows(tuned)
    return f"{tuning_sentence(tuned)}\n\n{text_table(heading, rows)}"
