"""How a run was tuned, in words and as a table."""

from __future__ import annotations

from ecg_keras.evaluation.choosing import CALIBRATED_LOSS
from ecg_keras.metrics import score_name
from ecg_keras.text import text_table
from ecg_keras.training import Tuned

HEADER = ("setting", "learning rate", "epochs", "{} on validation", "calibrated loss", "time")


def describe_tuning(names: tuple[str, str], settings: tuple[int, int]) -> str:
    """How two networks, or ways of training, were tuned, in one sentence.

    Args:
        names: of the two.
        settings: that each was chosen from; 0 where it was not tuned.

    Example:
        >>> describe_tuning(("fine-tuned", "scratch"), (4, 4))
        'Each was tuned over 4 settings.'
        >>> describe_tuning(("fine-tuned", "scratch"), (0, 0))
        'Neither was tuned.'
    """
    ours, theirs = settings
    if ours == theirs:
        return f"Each was tuned over {ours} settings." if ours else "Neither was tuned."
    how = [f"over {number} settings" if number else "not" for number in settings]
    return f"{names[0]} was tuned {how[0]}, {names[1]} {how[1]}."


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
