"""The reporting checklist TRIPOD+AI, as far as a study's results can fill it.

Collins et al., "TRIPOD+AI statement", BMJ 2024, 385:e078378: 27 items, 52 with their parts. The
numbers are theirs, the words of templates/tripod_ai.txt are ours. Whatever needs people - the
clinical question, ethics, funding - is left to the author, by number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files

from markupsafe import Markup

from ecg_keras.evaluation import GroupGain
from ecg_keras.metrics import score_name
from ecg_keras.report.blocks import Absent, Rows, Section
from ecg_keras.report.study_view import StudyView, count_positives
from ecg_keras.report.tables import Column, Table
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
    if not study.result.arms:
        return Absent("reporting checklist", "no arm was tested.")
    facts = _facts(study)
    rows = []
    template = files("ecg_keras.report").joinpath("templates/tripod_ai.txt")
    for line in template.read_text(encoding="utf-8").splitlines():
        number, topic, where, answer = line.split(" | ")
        if not (study.result.elsewhere and number in OF_OUR_RUNS):
            links = [
                Markup('<a href="#{}">{}</a>').format(anchor, titles[anchor])
                for anchor in where.split()
                if anchor in titles
            ]
            see = Markup(", ").join(links) or "for you to write"
            rows.append((number, topic, answer.format(**facts), see))
    answered = {number for number, *_ in rows}
    left = ", ".join(number for number in ITEMS if number not in answered)
    introduction = (
        "TRIPOD+AI (Collins et al., BMJ 2024, 385:e078378) lists what a paper on a prediction "
        "model reports. Below are the items that this study can answer or partly answer; "
        "check each against your paper."
    )
    title = "Items of TRIPOD+AI that this study answers, wholly or in part"
    columns = (Column("item", "Item"), Column("topic", "Asks for"), Column("answer", "Here"),
               Column("see", "See"))  # fmt: skip
    rest = f"For you to write: items {left}."
    blocks = (introduction, Rows(Table("", title, "", columns, rows)), rest)
    return Section("checklist", "Appendix: reporting checklist", blocks)


def _facts(study: StudyView) -> dict[str, str]:
    """What the answers of the checklist are filled with."""
    result = study.result
    arms = [result.arms[one.arm] for one in result.best.values()] or list(result.arms.values())[:1]
    skew = "Skew of each upstream against each downstream."
    return {
        "reference": study.reference,
        "metric": study.metric_name,
        "margin": f"{study.margin:g}",
        "sentence": result.sentence,
        "databases": ", ".join(result.datasets) or "the recipe's databases",
        "backbones": ", ".join(dict.fromkeys(arm.backbone for arm in result.arms)),
        "scores": ", ".join(score_name(name) for name in arms[0].scores),
        "runs": plural(result.cells["done"], "run"),
        "skew": skew if result.skew else "Not compared in this study.",
        "groups": _groups(result.gains.values()),
        "subgroups": "item 14." if any(result.gains.values()) else "not examined.",
        "partition": " ".join(
            filter(None, (_partition(arms[0]), study.chosen_on_test(result.arms)))
        ),
        "tested": "; ".join(map(_tested, arms)),
        "trained": "".join(map(_trained, arms)),
        "positives": "; ".join(map(_positives, arms)),
    }


def _groups(gains: Iterable[Sequence[GroupGain]]) -> str:
    columns = dict.fromkeys(one.column for some in gains for one in some)
    if not columns:
        return "Not examined: no group of patients was scored apart."
    return f"Groups by {', '.join(columns)}: whether one gains more. None shown is not none there."


def _tested(arm: ArmResult) -> str:
    ecgs, patients = len(arm.predictions.record_ids), len(set(arm.predictions.patient_ids.tolist()))
    return f"{ecgs:,} ECGs of {patients:,} patients of {arm.name.downstream}"


def _trained(arm: ArmResult) -> str:
    if arm.train_records is None:
        return ""
    return f"trained on {arm.train_records:,.0f} ECGs of {arm.name.downstream}; "


def _positives(arm: ArmResult) -> str:
    counts = (f"{label} {count:,}" for label, count in count_positives(arm).items())
    return f"{arm.name.downstream}, {', '.join(counts)}"


def _partition(arm: ArmResult) -> str:
    seeds = plural(arm.seeds, "seed")
    on_test = arm.validated_on == "test"
    if arm.folds > 1:
        validation = "" if on_test else "; another fold is for validation"
        return (
            f"{arm.folds}-fold cross-validation: each ECG is tested once, by networks not trained "
            f"on it{validation}. {seeds}."
        )
    return f"{'Training' if on_test else 'Training, validation'} and test split. {seeds}."
