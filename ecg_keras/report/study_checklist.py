"""The reporting checklist TRIPOD+AI, as far as a study's results can fill it.

Collins et al., "TRIPOD+AI statement", BMJ 2024, 385:e078378: 27 items, 52 with their parts. The
numbers are theirs, the words are ours. Whatever needs people - the clinical question, ethics,
funding - is left to the author, by number.
"""

from __future__ import annotations

from collections.abc import Mapping

from ecg_keras.metrics import score_name
from ecg_keras.report.blocks import Absent, Block, Check, Checks, Section, Text
from ecg_keras.report.study_view import StudyView, count_positives
from ecg_keras.statistics import ArmResult
from ecg_keras.text import plural

ITEMS = (
    *("1", "2", "3a", "3b", "3c", "4", "5a", "5b", "6a", "6b", "6c", "7", "8a", "8b", "8c"),
    *("9a", "9b", "9c", "10", "11", "12a", "12b", "12c", "12d", "12e", "12f", "12g", "13", "14"),
    *("15", "16", "17", "18a", "18b", "18c", "18d", "18e", "18f", "19", "20a", "20b", "20c"),
    *("21", "22", "23a", "23b", "24", "25", "26", "27a", "27b", "27c"),
)

# what the recipe, the datasets or the runs answer: nothing of predictions that were made elsewhere
OF_OUR_RUNS = ("5a", "6b", "7", "9b", "11", "12a", "12b", "12c", "12g", "13", "16", "18c", "18f",
               "20b", "20c", "22")  # fmt: skip


def checklist(study: StudyView, titles: Mapping[str, str]) -> Section | Absent:
    """The appendix: what this page answers, with links to the sections of these titles."""
    result = study.result
    if not result.arms:
        return Absent("reporting checklist", "no arm was tested.")
    checks = tuple(
        Check(one.number, one.topic, one.answer, tuple(at for at in one.where if at in titles))
        for one in _checks(study)
        if not (result.elsewhere and one.number in OF_OUR_RUNS)
    )
    answered = {one.number for one in checks}
    left = ", ".join(number for number in ITEMS if number not in answered)
    blocks: list[Block] = [
        Text(
            "TRIPOD+AI (Collins et al., BMJ 2024, 385:e078378) lists what a paper on a prediction "
            "model reports. Below are the items that this study can answer or partly answer; "
            "check each against your paper."
        ),
        Checks(checks, dict(titles)),
        Text(f"For you to write: items {left}."),
    ]
    return Section("checklist", "Appendix: reporting checklist", tuple(blocks))


def _checks(study: StudyView) -> tuple[Check, ...]:
    result = study.result
    arms = [result.arms[one.arm] for one in study.best.values()]
    arms = arms or list(result.arms.values())[:1]
    names = ", ".join(result.datasets) or "the recipe's databases"
    backbones = ", ".join(dict.fromkeys(arm.backbone for arm in result.arms))
    return (
        Check("4", "Objectives", f"Whether other modes are better than {study.reference}, in "
              f"{study.metric_name}.", ("verdicts",)),
        Check("5a", "Sources of data", f"{names}. How representative they are is for you to "
              "write.", ("data",)),
        Check("6b", "Eligibility", "Records that were dropped or quarantined, by the databases' "
              "cards and the recipe.", ("data", "settings")),
        Check("7", "Preparation of data", "Sampling rate, length, filters and scaling, alike for "
              "all patients, in the recipe.", ("settings",)),
        Check("8a", "Outcome", "The labels of each database. Who gave them and how is for you to "
              "write.", ("labels", "data")),
        Check("9b", "Predictors", "The samples of the ECG's leads, and nothing else.",
              ("data", "settings")),
        Check("10", "Size of the study", f"Not planned by a calculation: {_tested(arms)}. What "
              "would settle each comparison is in the table.", ("verdicts",)),
        Check("11", "Missing data", "Unreadable records are left out and counted; no value was "
              "imputed.", ("data", "not-done")),
        Check("12a", "Use of the data", _partition(arms), ("verdicts", "data")),
        Check("12b", "Handling of predictors", "Scaling is a part of the network; see the recipe.",
              ("settings",)),
        Check("12c", "Type and building of the model", f"Neural networks ({backbones}), trained "
              "as the recipe says, checked on ECGs held out.", ("settings", "convergence")),
        Check("12d", "Differences between clusters", "Each downstream database is scored apart; "
              "databases are not pooled.", ("verdicts",)),
        Check("12e", "Measures of performance", f"{_scores(arms)}; ROC, precision-recall and "
              f"calibration curves; a margin of ±{study.margin:g} for equivalence.",
              ("differences", "labels", "calibration")),
        Check("12g", "How predictions were calculated", "By each run's saved network, on "
              "ECGs that it was not trained on.", ("labels", "settings")),
        Check("13", "Class imbalance", "Weights of the loss or of the sampling are set in the "
              "recipe, where they are used; AUPRC and calibration are reported.",
              ("settings", "calibration")),
        Check("14", "Fairness", "Not examined: no group of patients was scored apart.",
              ("not-done",)),
        Check("15", "Output of the model", "A probability for each label; decisions at each "
              "label's threshold.", ("thresholds",)),
        Check("16", "Development and evaluation data", "Of one database for each downstream; "
              "upstream against downstream is compared.", ("data",)),
        Check("18c", "Protocol", "The study's recipe fixes metric, margin and level. When it was "
              "written is for you to say.", ("settings",)),
        Check("18f", "Code", "The versions of all software. Where your code is shared is for you "
              "to write.", ("settings",)),
        Check("20a", "Flow of participants", f"{_tested(arms)}. Positives: {_events(arms)}.",
              ("data", "labels")),
        Check("20b", "Characteristics", "Counts of the databases' cards. Age, sex and setting are "
              "for you to add.", ("data",)),
        Check("20c", "Development against evaluation data", "Skew of each upstream against each "
              "downstream." if result.skew else "Not compared in this study.", ("data",)),
        Check("21", "Participants of each analysis", f"{_trained(arms)}{_tested(arms)}.",
              ("labels", "learning-curves")),
        Check("22", "The full model", f"{plural(result.cells['done'], 'run')}, each with its "
              "network, recipe and predictions, in the study's folder.", ("settings",)),
        Check("23a", "Performance with intervals", "Every score, label and difference; key "
              "subgroups were not scored.", ("verdicts", "differences", "labels")),
        Check("23b", "Differences in performance between clusters", "Scores of each downstream "
              "apart.", ("verdicts",)),
        Check("25", "Interpretation", result.sentence, ("verdicts", "findings")),
        Check("26", "Limitations", "What was not done, and what the numbers do not say.",
              ("not-done",)),
    )  # fmt: skip


def _tested(arms: list[ArmResult]) -> str:
    return "; ".join(
        f"{len(arm.predictions.record_ids):,} ECGs of "
        f"{len(set(arm.predictions.patient_ids.tolist())):,} patients of {arm.name.downstream}"
        for arm in arms
    )


def _events(arms: list[ArmResult]) -> str:
    return "; ".join(
        f"{arm.name.downstream}, "
        + ", ".join(f"{label} {count:,}" for label, count in count_positives(arm).items())
        for arm in arms
    )


def _trained(arms: list[ArmResult]) -> str:
    return "".join(
        f"trained on {arm.train_records:,.0f} ECGs of {arm.name.downstream}; "
        for arm in arms
        if arm.train_records is not None
    )


def _partition(arms: list[ArmResult]) -> str:
    arm = arms[0]
    seeds = plural(arm.seeds, "seed")
    if arm.folds > 1:
        return (
            f"{arm.folds}-fold cross-validation: each ECG is tested once, by networks not trained "
            f"on it; another fold is for validation. {seeds}."
        )
    return f"Training, validation and test split. {seeds}."


def _scores(arms: list[ArmResult]) -> str:
    return ", ".join(score_name(name) for name in arms[0].scores)
