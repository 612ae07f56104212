"""The section of a study's page about tuning: settings, what validation said, choices, cost."""

from __future__ import annotations

from ecg_keras.evaluation import CALIBRATED_LOSS
from ecg_keras.evaluation.tables import score_name
from ecg_keras.report.blocks import Absent, Section, Text, table_blocks
from ecg_keras.report.study_names import ARM, arm_cells, name_once
from ecg_keras.report.tables import Column, Table, cell_text
from ecg_keras.statistics import ArmResult, ArmTuning, StudyResult
from ecg_keras.text import plural


def tuning(result: StudyResult) -> Section | Absent:
    """With which settings each arm was tried, and which were chosen."""
    tuned = _tuned(result)
    if not tuned:
        return Absent(
            "tuning",
            "the arms were trained with the settings of their modes alone: a difference between "
            "two may be one of learning rates that suit one of them better (key tune).",
        )
    settings = {one.settings for _, one in tuned}
    number = str(*settings) if len(settings) == 1 else f"{min(settings)} to {max(settings)}"
    runs = sum(sum(one.chosen.values()) for _, one in tuned)
    edges = sum(one.at_edge for _, one in tuned)
    seconds = sum(one.seconds * sum(one.chosen.values()) for _, one in tuned)
    said = (
        f"Every run of {plural(len(tuned), 'arm')} was chosen from {number} settings, for each "
        f"fold and seed by {_chooser(tuned[0][1])} on its validation split; nothing of a test "
        "split was looked at. Thresholds and calibration come from the same validation records. "
        f"Training all candidates took {cell_text('seconds', seconds)}."
    )
    if edges:
        said += (
            f" In {edges} of {plural(runs, 'run')} the choice has the lowest or the highest of all "
            "rates that were tried: a wider grid may change it (tune.candidates)."
        )
    return Section("tuning", "Tuning", (Text(said), *table_blocks(name_once(tuning_table(result)))))


def tuning_table(result: StudyResult) -> Table:
    """Each setting of each arm: what validation says of it, and how often it was chosen."""
    rows = [
        (*arm_cells(arm.name), setting, score, one.chosen.get(setting, 0), one.tried[setting])
        for arm, one in _tuned(result)
        for setting, score in one.scores.items()
    ]
    return Table(
        "tuning",
        "Settings and choices",
        "On validation: the mean over the runs for which the setting was tried. Settings beyond "
        "the recipe's are tried where the choice lies at the edge of its rates.",
        (
            *ARM,
            Column("setting", "Setting"),
            Column("validation", "On validation", "decimal"),
            Column("chosen", "Chosen", "count"),
            Column("tried", "Tried", "count"),
        ),
        tuple(rows),
    )


def _tuned(result: StudyResult) -> list[tuple[ArmResult, ArmTuning]]:
    return [(arm, arm.tuning) for arm in result.arms.values() if arm.tuning is not None]


def _chooser(one: ArmTuning) -> str:
    return "calibrated loss" if one.by == CALIBRATED_LOSS else score_name(one.by)
