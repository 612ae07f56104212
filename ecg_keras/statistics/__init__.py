"""From the predictions of many runs to verdicts: paired, over seeds, folds and patients."""

from ecg_keras.evaluation import (
    FEWEST_SEEDS,
    Arm,
    Contrast,
    Verdict,
    Word,
    contrast,
    contrasts,
    judge,
    overall,
)
from ecg_keras.statistics.arm_results import (
    ArmName,
    ArmResult,
    ArmTuning,
    Compared,
    Interaction,
    Shift,
    Transferability,
)
from ecg_keras.statistics.controls import QUESTION, Control, explain_controls
from ecg_keras.statistics.convergence import Convergence, Speed, convergence, speed
from ecg_keras.statistics.crossover import LabelEfficiency
from ecg_keras.statistics.curve_words import find_example
from ecg_keras.statistics.curves import LearningCurve, learning_curve, say_worths
from ecg_keras.statistics.findings import Finding, findings
from ecg_keras.statistics.group_gains import gains_by_group
from ecg_keras.statistics.ledger import LedgerRow, ledger_row
from ecg_keras.statistics.power_law import PowerLaw
from ecg_keras.statistics.results import StudyResult
from ecg_keras.statistics.seeds import SeedRow, Seeds, Trained, judge_seeds, read_seeds
from ecg_keras.statistics.verdict import headline, settles, verdict_sentence

__all__ = [
    "FEWEST_SEEDS",
    "QUESTION",
    "Arm",
    "ArmName",
    "ArmResult",
    "ArmTuning",
    "Compared",
    "Contrast",
    "Control",
    "Convergence",
    "Finding",
    "Interaction",
    "LabelEfficiency",
    "LearningCurve",
    "LedgerRow",
    "PowerLaw",
    "SeedRow",
    "Seeds",
    "Shift",
    "Speed",
    "StudyResult",
    "Trained",
    "Transferability",
    "Verdict",
    "Word",
    "contrast",
    "contrasts",
    "convergence",
    "explain_controls",
    "find_example",
    "findings",
    "gains_by_group",
    "headline",
    "judge",
    "judge_seeds",
    "learning_curve",
    "ledger_row",
    "overall",
    "read_seeds",
    "say_worths",
    "settles",
    "speed",
    "verdict_sentence",
]
