"""The sections of a study's page about learning: over training sets, epochs and settings."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ecg_keras.evaluation import CALIBRATED_LOSS, Estimate
from ecg_keras.metrics import score_name
from ecg_keras.report.blocks import (
    OPEN_ROWS,
    Absent,
    Block,
    Drawing,
    Figures,
    Fold,
    Group,
    Rows,
    Section,
    first_open,
)
from ecg_keras.report.learning_plots import convergence_plot, learning_plot
from ecg_keras.report.study_view import StudyView
from ecg_keras.report.tables import Column, Table, arm_columns, capital
from ecg_keras.statistics import Compared, Convergence, LearningCurve
from ecg_keras.text import percent, plural, short_duration

NESTED = "Training sets are nested: a smaller one is part of every larger one. "
CURVE = (
    Column("curve", "Curve", plain=True),
    Column("way", "Way"),
    Column("reference", "Reference", plain=True),
    Column("train_records", "Trained on", "count"),
)
UNTUNED = (
    "the arms were trained with the settings of their modes alone: a difference between "
    "two may be one of learning rates that suit one of them better (key tune)."
)
NOT_KNOWN = "how settings were chosen for predictions made elsewhere is not known."


def learning_curves(study: StudyView) -> Section | Absent:
    """Scores over the number of training ECGs, and where the reference catches up."""
    curves = study.result.curves
    points, worth = _curves_table(study), _worth_table(study)
    if not curves:
        reason = "they need at least three training sizes."
        return Absent("learning curves", reason, (points, worth))
    seeds = [one.seeds for curve in curves for one in curve.differences]
    introduction = (
        f"{'' if study.result.elsewhere else NESTED}Bars are "
        f"{study.intervals(seeds)}; lines are fitted power laws "
        "with theirs, where one fits. The lower panel is the difference over the band that "
        "does not matter; the upright line is the crossover, its band the interval. "
        "The arrow shows what a way is worth in labels: on how many training ECGs the "
        "reference scores the same, its bar the interval."
    )
    drawings: dict[str, list[Drawing]] = {}
    for number, curve in enumerate(curves, start=1):
        drawings.setdefault(curve.title, []).append(_curve(number, curve))
    groups = [Group(title, (Figures(tuple(some)),)) for title, some in drawings.items()]
    return Section(
        "learning-curves",
        "Learning curves",
        (
            introduction,
            *first_open(groups, "The other learning curves"),
            Fold("All points as a table", (Rows(points),)),
            Fold("What each point is worth in labels", (Rows(worth),)),
        ),
        (points, worth),
    )


def convergence(study: StudyView) -> Section | Absent:
    """Mean curves of validation of the ways of each group, and the time to the same quality."""
    compared = study.result.comparisons
    split = study.chooser
    table = _speed_table(study, compared)
    groups = _validation_curves(study)
    if not groups:
        return Absent("convergence", f"no run logged a {split} score.", (table,))
    largest = {name: study.group_title(one.arm) for name, one in study.result.best.items()}
    first: list[Drawing] = []
    rest: list[Drawing] = []
    for number, ((downstream, title), curves) in enumerate(groups.items(), start=1):
        caption = f"{downstream}, {title}."
        drawing = Drawing(
            f"convergence{number}",
            f"Score on {split} over epochs of {', '.join(curves)}: {caption}",
            caption,
            partial(convergence_plot, curves, study.reference, split),
        )
        (first if largest.get(downstream, title) == title else rest).append(drawing)
    introduction = (
        f"Mean score on {split} over all runs of an arm (each seed and fold); the band holds "
        "the middle 80 % of the runs. A run that ended sooner keeps its last score."
    )
    blocks: list[Block] = [introduction, Figures(tuple(first))]
    if rest:
        blocks.append(Fold("The other groups", (Figures(tuple(rest)),)))
    if len(study.result.largest_sets) <= OPEN_ROWS < len(compared):
        blocks.append(Rows(_speed_table(study, study.result.largest_sets)))
    if compared:
        blocks.append(Rows(table, fold=True))
    return Section("convergence", "Convergence", tuple(blocks), (table,))


def tuning(study: StudyView) -> Section | Absent:
    """With which settings each arm was tried, and which were chosen."""
    table = _tuning_table(study)
    arms = [arm for arm in study.result.arms.values() if arm.tuning is not None]
    tuned = [arm.tuning for arm in arms if arm.tuning is not None]
    if not tuned:
        why = NOT_KNOWN if study.result.elsewhere else UNTUNED
        return Absent("tuning", why, (table,))
    settings = sorted({one.settings for one in tuned})
    number = " to ".join(map(str, dict.fromkeys((settings[0], settings[-1]))))
    # arms may share runs: fine-tuning's schedule from random weights may be that of scratch
    runs = {name for arm in arms for name in arm.runs}
    trained = {name: seconds for one in tuned for name, seconds in one.trained.items()}
    edges = {name for one in tuned for name in one.edges}
    sentence = (
        f"Every run of {plural(len(tuned), 'arm')} was chosen from {number} settings, for each "
        f"fold and seed by {_chooser(tuned[0].by)} on its validation split; nothing of a test "
        "split was looked at. Thresholds and calibration come from the same validation records. "
        f"Training all {plural(len(trained), 'candidate')} took "
        f"{short_duration(sum(trained.values()))}"
    )
    shared = sum(len(arm.runs) for arm in arms) > len(runs)
    sentence += "; those that arms share are counted once." if shared else "."
    if edges:
        sentence += (
            f" In {len(edges)} of {plural(len(runs), 'run')} the choice has the lowest or the "
            "highest of all rates that were tried: a wider grid may change it (tune.candidates)."
        )
    if diverged := {name for one in tuned for name in one.diverged}:
        sentence += f" {plural(len(diverged), 'candidate')} diverged and could not be chosen."
    blocks = (sentence, Rows(table, fold=True))
    return Section("tuning", "Tuning", blocks, (table,))


def _curve(number: int, curve: LearningCurve) -> Drawing:
    title = f"{curve.way} and {curve.reference}, {curve.title}: scores and their difference"
    caption = f"{curve.says} {curve.says_worth}".strip()
    return Drawing(f"learning{number}", title, caption, lambda: learning_plot(curve))


def _validation_curves(study: StudyView) -> dict[tuple[str, str], dict[str, Convergence]]:
    """The curves of the protocol that is judged, by way, for each downstream and group of ways."""
    groups: dict[tuple[str, str], dict[str, Convergence]] = {}
    for name, arm in study.result.arms.items():
        curve = arm.convergence
        # a head in closed form has one epoch, and nothing converges
        if curve is None or not curve.score.size or len(curve.epochs) == 1:
            continue
        if name.protocol == study.first_protocol:
            key = (name.downstream, study.group_title(name))
            groups.setdefault(key, {})[name.way] = curve
    return groups


def _chooser(by: str) -> str:
    return "calibrated loss (lower is better)" if by == CALIBRATED_LOSS else score_name(by)


def _curves_table(study: StudyView) -> Table:
    """Every point of every learning curve, and each curve's crossover."""
    nested = "" if study.result.elsewhere else "nested "
    rows = []
    for curve in study.result.curves:
        crossover = None if curve.crossover is None else Estimate(*curve.crossover)
        scores = (curve.scores[curve.reference], curve.scores[curve.way], curve.differences)
        for size, *point in zip(curve.sizes, *scores, strict=True):
            rows.append((curve.title, curve.way, curve.reference, size, *point, crossover))
    return Table(
        "learning_curves",
        "Learning curves",
        f"{capital(study.metric_name)} on {nested}training sets, with {study.level} "
        "intervals. Crossover: the number of training ECGs beyond which the first way is no longer "
        "better by the margin.",
        (
            *CURVE,
            Column("reference_score", "Reference's score", "score"),
            Column("score", "Score", "score"),
            Column("difference", "Difference", "difference"),
            Column("crossover", "Crossover", "records"),
        ),
        rows,
    )


def _worth_table(study: StudyView) -> Table:
    """What each point of each learning curve is worth in the reference's training ECGs."""
    return Table(
        "label_efficiency",
        "What a way of training is worth in labels",
        f"The number of training ECGs on which the reference scores the same, with its "
        f"{study.level} interval; beyond and below the sizes are more than the largest that was "
        "tried and fewer than the smallest, about which nothing is said. The factor is that number "
        "over the way's own, and undefined where the number is not within the sizes as measured; "
        "it is beyond the sizes where all of the number's interval is.",
        (
            *CURVE,
            Column("equal_records", "Equal to", "records"),
            Column("factor", "Factor", "factor"),
        ),
        [
            (curve.title, curve.way, curve.reference, one.size, Estimate(*one.equal),
             Estimate(*one.factor))
            for curve in study.result.curves
            for one in curve.worth
        ],
    )  # fmt: skip


def _speed_table(study: StudyView, compared: Sequence[Compared]) -> Table:
    """How soon each arm and its reference reach the same quality on validation."""
    reference, split = study.reference, study.chooser
    return Table(
        "convergence",
        f"Time to the same quality on {split}",
        f"The quality is {percent(float(study.result.question['quality']))} of the best of "
        f"{reference}'s mean {split} curve. The ratio is "
        f"the arm's epochs over those of {reference}: below 1 is faster. Area: the mean height of "
        f"the arm's {split} curve less that of {reference}'s. Both have {study.level} intervals "
        "over runs.",
        (
            *arm_columns(),
            Column("quality", "Quality", "decimal", "speed.quality"),
            Column("epochs", "Epochs", "epochs", "speed.epochs.0"),
            Column("reference_epochs", f"Epochs, {reference}", "epochs", "speed.epochs.1"),
            Column("epochs_ratio", "Ratio", "score", "speed.ratio"),
            Column("steps", "Steps", "epochs", "speed.steps.0"),
            Column("reference_steps", f"Steps, {reference}", "epochs", "speed.steps.1"),
            Column("seconds", "Time", "seconds", "speed.seconds.0"),
            Column("reference_seconds", f"Time, {reference}", "seconds", "speed.seconds.1"),
            Column("area_difference", "Area", "difference", "speed.area"),
        ),
        [one for one in compared if one.speed is not None],
    )


def _tuning_table(study: StudyView) -> Table:
    """Each setting of each arm: what validation says of it, and how often it was chosen."""
    arms = study.result.arms.values()
    choosers = dict.fromkeys(arm.tuning.by for arm in arms if arm.tuning is not None)
    return Table(
        "tuning",
        "Settings and choices",
        f"On validation: the mean {' or '.join(map(_chooser, choosers)) or 'score'} over the runs "
        "for which the setting was tried. Settings beyond the recipe's are tried where the choice "
        "is at the edge of its rates. Training is that of all candidates of the arm, those that it "
        "shares with other arms too.",
        (
            *arm_columns("0"),
            Column("arm_seconds", "Training of the arm", "seconds", "5"),
            Column("setting", "Setting", "text", "1"),
            Column("validation", "On validation", "decimal", "2"),
            Column("chosen", "Chosen", "count", "3"),
            Column("tried", "Tried", "count", "4"),
        ),
        [
            (arm.name, setting, score, one.chosen.get(setting, 0), one.tried[setting], one.seconds)
            for arm in study.result.arms.values()
            if (one := arm.tuning) is not None
            for setting, score in one.scores.items()
        ],
    )
