"""`monitoring_page`: what a network in service receives and says, as a page that a person reads."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from matplotlib.figure import Figure

from ecg_keras.monitoring import (
    ALARM_RATE,
    FEWEST,
    TITLES,
    Measure,
    Monitoring,
    OutputCheck,
    Period,
)
from ecg_keras.report.blocks import Block, Drawing, Figures, Fold, Group, Items, Note, Rows, Section
from ecg_keras.report.page import write_page
from ecg_keras.report.style import LIGHT, WIDTH_INCHES, add_legend, in_style
from ecg_keras.report.tables import Column, Table, capital
from ecg_keras.report.validation_page import comparison_blocks_of
from ecg_keras.report.validation_plots import STYLES, numbers_plot
from ecg_keras.text import percent, plural

# labels, and lines of a figure, at most
MOST_DRAWN = 12
OVER_TIME: tuple[Measure, ...] = ("rate", "prevalence", "calibration", "auroc")
LIMITS = (
    "What is compared are distributions over many recordings: that a single answer is wrong shows "
    "nowhere here.",
    "An alarm says that something is no longer as it was, not what: other patients, another "
    "recorder, another way of labelling, or a fault. Where other patients are what is wanted, "
    "the scores on those whose truth is known decide.",
    "No alarm is no proof: what is allowed grows where few recordings are compared.",
)


def monitoring_page(found: Monitoring, path: str | Path) -> Path:
    """Writes a page of HTML that needs nothing else: alarms, checks, distributions, periods.

    Args:
        found: by `ecg_keras.monitoring.monitor`.
        path: the file to write.

    Returns:
        ``path``.

    Example:
        >>> monitoring_page(monitor("runs/ptbxl_scratch", "answers.parquet"), "monitor.html")
        PosixPath('monitor.html')
    """
    return write_page(
        Path(path),
        title=Path(found.run).name,
        kind="A network in service, against its training and validation",
        verdict=tuple(_verdict(found)),
        sections=tuple(_sections(found)),
    )


def _verdict(found: Monitoring) -> Iterator[str]:
    everything = found.periods[0]
    count = len(found.alarms)
    yield (
        f"{plural(count, 'alarm')}." if count else "No alarm: nothing differs by more than allowed."
    )
    yield (
        f"{plural(everything.records, 'recording')}, of which {everything.answered:,} were "
        f"answered and of {everything.known:,} the truth is known."
    )


def _sections(found: Monitoring) -> Iterator[Section]:
    yield Section("alarms", "Alarms", tuple(_alarms(found)))
    if len(found.periods) > 1:
        yield Section("periods", "Period by period", tuple(_over_time(found)))
    everything = found.periods[0]
    if everything.checks:
        yield Section("outputs", "What the network says", tuple(_outputs(found, everything)))
    if everything.inputs is not None:
        blocks = comparison_blocks_of(everything.inputs)
        yield Section("inputs", "What the network receives", blocks)
    yield Section("limits", "What this does not show", (Items(LIMITS),))


def _alarms(found: Monitoring) -> Iterator[Block]:
    columns = (Column("period", "Period"), Column("what", "What differs by more than allowed"))
    rows = [(_unbroken(one.name), line) for one in found.periods for line in one.alarms]
    if rows:
        yield Rows(Table("alarms", "Alarms", "", columns, rows))
    else:
        yield "There is none."
    yield Items(tuple(capital(f"{one}.") for one in found.references))
    yield Note(
        "Allowed is what does not matter, and what chance does to that many recordings. The checks "
        f"of what the network says raise a false alarm in at most {percent(ALARM_RATE)} of pages; "
        f"fewer than {FEWEST} recordings are not judged."
    )
    if found.remarks:
        yield Items(tuple(capital(f"{one}.") for one in found.remarks))


def _unbroken(name: str) -> str:
    """A period that is never cut at its hyphen."""
    return name.replace("-", "\N{NON-BREAKING HYPHEN}")


def _outputs(found: Monitoring, one: Period) -> Iterator[Block]:
    yield Rows(_checks(one), fold=True)
    labels = [label for label in one.probabilities if label in found.usual][:MOST_DRAWN]
    drawings = []
    for number, label in enumerate(labels):
        sets = {"validation": found.usual[label], "received": one.probabilities[label]}
        if any(values.quantiles for values in sets.values()):
            title = f"Probability of {label}"
            draw = partial(numbers_plot, sets, title)
            drawings.append(Drawing(f"output{number}", f"{title}.", f"{title}.", draw))
    if drawings:
        yield Figures(tuple(drawings), "panels")


def _checks(one: Period) -> Table:
    columns = (
        Column("measure", "What", of=lambda check: capital(TITLES[check.measure])),
        Column("label", "Label", of=lambda check: check.label or "all"),
        Column("verdict", "Verdict", "word", lambda one: "differs" if one.differs else "alike"),
        Column("received", "Received", "decimal"),
        Column("reference", "Reference", "decimal"),
        Column("distance", "Difference", "decimal"),
        Column("allowed", "Allowed", "decimal"),
    )
    ordered = sorted(one.checks, key=lambda check: not check.differs)
    caption = (
        "Of a distribution the medians and the greatest difference of the shares below any value; "
        "of an AUROC the loss."
    )
    return Table("checks", "Checks", caption, columns, tuple(ordered))


def _over_time(found: Monitoring) -> Iterator[Block]:
    columns = (
        Column("name", "Period"),
        Column("records", "Recordings", "count"),
        Column("answered", "Answered", "count"),
        Column("known", "Truth known", "count"),
        Column("alarms", "Alarms", "count", lambda one: len(one.alarms)),
    )
    yield Rows(Table("periods", "Periods", "", columns, found.periods))
    drawings = []
    for measure in OVER_TIME:
        lines = _lines(found, measure)
        if lines:
            title = f"{capital(TITLES[measure])}, period by period."
            drawings.append(
                Drawing(
                    f"time-{measure}",
                    title,
                    f"{title} Hollow: it differs from the reference by more than allowed.",
                    partial(_time_plot, found, lines, TITLES[measure]),
                )
            )
    if drawings:
        yield Figures(tuple(drawings))
    for one in found.periods[1:]:
        if one.alarms:
            blocks: list[Block] = [Rows(_checks(one), fold=True)] if one.checks else []
            if one.inputs is not None:
                blocks.append(Fold("Signals", comparison_blocks_of(one.inputs, one.name)))
            yield Fold(
                f"{one.name}: {plural(len(one.alarms), 'alarm')}", (Group(one.name, tuple(blocks)),)
            )


Lines = dict[str, list[tuple[int, OutputCheck]]]


def _lines(found: Monitoring, measure: Measure) -> Lines:
    """Of each label the periods that are judged, by their places."""
    lines: Lines = {}
    for place, one in enumerate(found.periods[1:]):
        for check in one.checks:
            if check.measure == measure and check.label:
                lines.setdefault(check.label, []).append((place, check))
    return dict(list(lines.items())[:MOST_DRAWN])


@in_style
def _time_plot(found: Monitoring, lines: Lines, title: str) -> Figure:
    figure = Figure(figsize=(WIDTH_INCHES, 2.6), layout="constrained")
    axes = figure.subplots()
    for number, (label, points) in enumerate(lines.items()):
        look = STYLES[number % len(STYLES)]
        shade = ("-", (0, (5, 2)), (0, (1, 1)), (0, (5, 1, 1, 1)))[number // len(STYLES) % 4]
        places = [place for place, _ in points]
        values = [check.received for _, check in points]
        axes.plot(places, values, color=look["color"], linestyle=shade, label=label, linewidth=1.2)
        for place, check in points:
            face = LIGHT["page"] if check.differs else look["color"]
            axes.plot(
                place, check.received, marker=look["marker"], markersize=5,
                markeredgecolor=look["color"], markerfacecolor=face, linestyle="none",
            )  # fmt: skip
    names = [one.name for one in found.periods[1:]]
    step = max(1, len(names) // 12)
    axes.set_xticks(range(0, len(names), step), names[::step])
    axes.set(ylabel=capital(title))
    add_legend(figure, len(lines))
    return figure
