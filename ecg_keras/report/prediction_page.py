"""`prediction_page`: what a network says of recordings, with some of their ECGs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from ecg_keras.attribution import CAUTION, Explained
from ecg_keras.evaluation import SignalReference
from ecg_keras.prediction import Answer, Answers
from ecg_keras.report.blocks import Block, Drawing, Ecgs, Note, Rows, Section, ShownEcg, facts
from ecg_keras.report.ecg_plot import draw_explained, part_drawn, scale_of
from ecg_keras.report.page import write_page
from ecg_keras.report.tables import Column, Table, capital
from ecg_keras.text import percent, plural

# rows of a table; of more the output file has all
MOST_ROWS = 500
# labels that have a column, or a row under an ECG; of more those with the largest probabilities
MOST_LABELS = 12
AGGREGATES = {
    "mean": "the mean of the probabilities of its windows",
    "maximum": "the largest probability of its windows, for each label",
    "trained": "that of the one window that the network's shards keep",
}
CHOSEN_ON = {
    "validation": "chosen on the validation split",
    "test": "chosen on the test split of the run, which flatters its scores",
    "fixed": "0.5 for all labels, as there was no validation split",
}
NO_SETS = "none: how sure an answer has to be was not validated"
NOTHING_DECIDED = "The network has no thresholds, so nothing is decided."


def prediction_page(
    answers: Answers,
    path: str | Path,
    *,
    title: str | None = None,
    explained: Mapping[str, Explained] | None = None,
) -> Path:
    """Writes answers as a page of its own, with the ECGs that are kept in ``answers.shown``.

    Args:
        answers: of `ecg_keras.prediction.predict`.
        path: the HTML file to write.
        title: of the page; by default the network's name.
        explained: by names, of `ecg_keras.attribution.explain_shown`: what drove the answers,
            which is marked on their ECGs.

    Returns:
        ``path``.

    Example:
        >>> prediction_page(predict("runs/ptbxl_scratch", "in", shown=6), "answers.html")
        PosixPath('answers.html')
    """
    return write_page(
        Path(path),
        title=title or Path(answers.network).name,
        kind="Answers of one network for ECG diagnosis",
        verdict=(
            f"{answers.summary}.",
            "The answers are those of a network. They are no diagnosis.",
        ),
        sections=tuple(_sections(answers, explained or {})),
    )


def _sections(answers: Answers, explained: Mapping[str, Explained]) -> Iterator[Section]:
    if answers.shown:
        heading = "ECGs, and what drove the answers" if explained else "ECGs"
        yield Section("ecgs", heading, tuple(_ecgs(answers, explained)))
    refused = [one for one in answers.rows if one.values is None]
    if refused:
        yield Section("refused", "Not answered", tuple(_refused(answers, refused)))
    answered = [one for one in answers.rows if one.values is not None]
    if answered:
        yield Section("answers", "All answers", tuple(_answered(answers, answered)))
    yield Section("how", "How they were made", (facts("The network", _describe(answers)),))


def _ecgs(answers: Answers, explained: Mapping[str, Explained]) -> Iterator[Block]:
    shown = [one for one in answers.rows if answers.name(one) in answers.shown]
    others = answers.count("answered") - len(shown)
    if others:
        yield Note(
            f"Drawn: {len(shown)} of {len(shown) + others:,} answered recordings, the first."
        )
    if explained:
        yield CAUTION
    yield Ecgs(
        tuple(
            _show(answers, one, explained.get(answers.name(one)), f"ecg{number}")
            for number, one in enumerate(shown, start=1)
        ),
        "ecg",
    )


def _show(answers: Answers, answer: Answer, explained: Explained | None, name: str) -> ShownEcg:
    title = answers.name(answer)
    about, signal = [], answers.shown[title]
    explanation = explained.explanation if explained else None
    if answer.patient_id != answer.record_id:
        about.append(f"Patient {answer.patient_id}")
    windows = answer.windows + answer.lost
    if windows > 1:
        number = explained.window if explained else int(not answer.lost)
        of = f"window {number} of {windows}" if number else f"the first usable of {windows} windows"
        about.append(of)
    about += [f"unusual: {flag}" for flag in answer.flags]
    drawing = Drawing(
        name,
        f"ECG of record {title}, {scale_of(signal)}",
        "",
        lambda: draw_explained(signal, explanation),
    )
    words = "; ".join(about)
    about_it = f"{capital(words)}." if words else "Nothing unusual was found in it."
    if part := part_drawn(signal):
        about_it += f" {capital(part)}."
    marked = f" {explanation.sentence}" if explanation else ""
    return ShownEcg(title, title, about_it + marked, drawing, _labels(answers, answer))


def _labels(answers: Answers, answer: Answer) -> Table:
    """Probability and decision of each label; of many, those with the largest probabilities."""
    limits, decided = answers.thresholds or {}, answers.decide(answer)
    sets = answers.find_sets(answer) or ("",) * len(answers.labels)
    values = [] if answer.values is None else answer.values.tolist()
    rows = [
        (label, value, limits.get(label), _word(decided[place] if decided else None), sets[place])
        for place, (label, value) in enumerate(zip(answers.labels, values, strict=True))
    ]
    if len(rows) > MOST_LABELS:
        rows = sorted(rows, key=lambda row: -row[1])[:MOST_LABELS]
    columns = (
        Column("label", "Label"),
        Column("probability", "Probability", "decimal"),
        Column("threshold", "Threshold", "decimal"),
        Column("decision", "Decision"),
        Column("set", "Set"),
    )
    others = len(answers.labels) - len(rows)
    caption = f"The other {others} labels have smaller probabilities." if others else ""
    table = Table("", f"Answers for {answers.name(answer)}", caption, columns, tuple(rows))
    keys = ["label", "probability", *(["threshold", "decision"] * bool(decided))]
    return table.select([*keys, *(["set"] * (answers.sets is not None))])


def _word(present: bool | None) -> str:
    return "" if present is None else "present" if present else "absent"


def _refused(answers: Answers, rows: list[Answer]) -> Iterator[Block]:
    columns = (
        Column("record", "Recording", of=answers.name),
        Column("status", "Status"),
        Column("reason", "Reason"),
    )
    yield (
        "A recording is unreadable where its file is missing or damaged. The network abstains "
        "where a recording is not one that it may be asked about."
    )
    yield Rows(Table("refused", "Not answered", _cut(rows), columns, rows[:MOST_ROWS]))


def _answered(answers: Answers, rows: list[Answer]) -> Iterator[Block]:
    columns = [Column("record", "Recording", of=answers.name)]
    if answers.thresholds is not None:
        columns.append(Column("present", "Present", of=lambda one: _present(answers, one)))
    if answers.sets is not None:
        columns.append(
            Column("undecided", "Undecided", of=lambda one: ", ".join(answers.undecided(one)))
        )
    if len(answers.labels) <= MOST_LABELS:
        columns += [
            Column(f"p{place}", label, "decimal", f"values.{place}")
            for place, label in enumerate(answers.labels)
        ]
    columns.append(Column("unusual", "Unusual", of=lambda one: "; ".join(one.flags)))
    caption = f"Probabilities. {_cut(rows)}" if len(answers.labels) <= MOST_LABELS else _cut(rows)
    shown = tuple(rows[:MOST_ROWS])
    yield Rows(Table("answers", "Answers", caption, tuple(columns), shown), fold=True)


def _present(answers: Answers, one: Answer) -> str:
    decided = answers.decide(one) or ()
    names = [label for label, is_there in zip(answers.labels, decided, strict=True) if is_there]
    return ", ".join(names) or "none"


def _cut(rows: list[Answer]) -> str:
    if len(rows) <= MOST_ROWS:
        return ""
    return f"The first {MOST_ROWS} of {len(rows):,}; the file of answers has all."


def _describe_flag(reference: SignalReference | None) -> str:
    if reference is None:
        return "not looked for: only a run has a reference, which `ecg-keras evaluate RUN` adds"
    return (
        f"flagged beyond a distance that {percent(reference.rate, 1)} of ECGs such as those of its "
        f"validation split exceed ({plural(reference.patients, 'patient')})"
    )


def _describe(answers: Answers) -> dict[str, str]:
    chosen = CHOSEN_ON.get(answers.thresholds_from, "of the exported network")
    lines = {
        "Network": answers.network,
        "Network id": answers.network_id or "its card has none: export it again",
        "Labels": ", ".join(answers.labels),
        "Calibration": "none: the network's own probabilities"
        if answers.calibration == "none"
        else f"{answers.calibration}, fitted on the validation split",
        "Thresholds": chosen if answers.thresholds else NOTHING_DECIDED,
        "Sets": " ".join(answers.sets.notes) if answers.sets else NO_SETS,
        "Unlike the training ECGs": _describe_flag(answers.reference),
        "Answer for a longer recording": AGGREGATES[answers.aggregate],
    }
    windows = sum(one.windows for one in answers.rows)
    if windows != answers.count("answered"):
        lines["Windows"] = (
            f"{plural(windows, 'window')} of {plural(len(answers.rows), 'recording')}"
        )
    return lines
