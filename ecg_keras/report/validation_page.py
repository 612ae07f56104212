"""`validation_page`: what a check of shards found, as one page that a person reads."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path

from ecg_keras.report.blocks import Block, Drawing, Figures, Fold, Items, Note, Rows, Section
from ecg_keras.report.page import write_page
from ecg_keras.report.tables import Column, Table
from ecg_keras.report.validation_plots import leads_plot, numbers_plot, texts_plot
from ecg_keras.report.validation_words import (
    HEADS,
    HERE_AND_THERE,
    LIMITS,
    axis_title,
    feature_title,
    verdict_sentences,
)
from ecg_keras.text import percent
from ecg_keras.validation import (
    DatasetComparison,
    Distance,
    Numbers,
    Profile,
    Texts,
    Validation,
    feature_of,
)

Sets = Mapping[str, Profile]
# splits are made by fold, so that these differ by intention
NOT_DRAWN = ("fold",)
# unusual records, at most
LISTED = 200


def validation_page(found: Validation, path: str | Path) -> Path:
    """Writes a page of HTML that needs nothing else: verdict, anomalies, distributions.

    Args:
        found: by `ecg_keras.validation.validate`.
        path: the file to write.

    Returns:
        ``path``.

    Example:
        >>> validation_page(validation.validate("shards/ptb", against="shards/ptbxl"), "drift.html")
        PosixPath('drift.html')
    """
    splits = {name: found.profiles[name] for name in found.dataset.splits if name in found.profiles}
    sections = (
        _anomalies(found),
        *_noted(found),
        *(_comparison(one) for one in found.comparisons),
        # without TensorFlow Data Validation there are no distributions to draw
        *([Section("splits", "The splits", _distributions(splits, "split"))] if splits else []),
        *([_missing(found)] if splits else []),
        Section("limits", "What this does not show", (Items(LIMITS),)),
    )
    return write_page(
        Path(path),
        title=f"{found.dataset.source}, {found.dataset.label_set}",
        kind=f"Check of the shards in {found.folder}",
        verdict=verdict_sentences(found),
        sections=sections,
    )


def _anomalies(found: Validation) -> Section:
    if not found.anomalies:
        return Section("anomalies", "Anomalies", ("None was found.",))
    columns = (
        Column("split", "Split"),
        Column("feature", "Feature", "text", lambda one: feature_title(one.feature)),
        Column("what", "What", "text", "long"),
    )
    table = Table("anomalies", "What is wrong, or differs", "", columns, found.anomalies)
    return Section("anomalies", "Anomalies", (Rows(table),))


def _noted(found: Validation) -> tuple[Section, ...]:
    """The records that are kept although a figure is unusual; no section where there is none."""
    if not found.noted:
        return ()
    columns = (
        Column("record", "Record", "text", "record_id"),
        Column("feature", "Feature", "text", lambda one: feature_title(one.measure)),
        Column("lead", "Lead", "text", lambda one: one.lead or "–"),
        Column("value", "Value", "number", lambda one: f"{one.value:.4g}"),
        Column("what", "What"),
    )
    title = "Records with a figure outside of what is expected"
    table = Table("noted", title, "", columns, found.noted[:LISTED])
    more = len(found.noted) - LISTED
    note = "Too few to be a fault of the dataset: they are stored, and trained on like all others."
    blocks: list[Block] = [note, Rows(table)]
    if more > 0:
        blocks.append(Note(f"And {more:,} more, listed in dataset.json."))
    return (Section("noted", "Unusual records", tuple(blocks)),)


def _comparison(one: DatasetComparison) -> Section:
    title = HEADS[one.kind][0].format(other=one.other)
    return Section(one.kind, title, comparison_blocks_of(one))


def comparison_blocks_of(one: DatasetComparison, prefix: str = "") -> tuple[Block, ...]:
    """Every distance, then the figures: of what differs first, of the rest folded.

    ``prefix`` makes their ids unique where a page has several comparisons.
    """
    _, ours, theirs = HEADS[one.kind]
    sets = {ours: one.ours, theirs: one.theirs}
    anchor = f"{prefix}{one.kind}"
    apart = {feature_of(each.feature) for each in one.distances if each.differs}
    most = _most_of_each_feature(one.distances)
    blocks: list[Block] = [Rows(_distances(one, most))]
    if len(most) < len(one.distances):
        blocks.append(Fold("The same for every lead", (Rows(_distances(one, one.distances)),)))
    blocks += _distributions(_keep(sets, lambda name: feature_of(name) in apart), anchor)
    alike = _keep(sets, lambda name: feature_of(name) not in apart)
    rest = _distributions(alike, f"{anchor}-rest")
    if rest:
        blocks.append(Fold("The features that do not differ by more than allowed", rest))
    return tuple(blocks)


def _most_of_each_feature(distances: Sequence[Distance]) -> tuple[Distance, ...]:
    """Of a feature's leads the one that goes furthest beyond, or nearest to, what is allowed."""
    groups: dict[str, list[Distance]] = {}
    for one in distances:
        groups.setdefault(feature_of(one.feature), []).append(one)
    return tuple(max(group, key=lambda one: one.value - one.allowed) for group in groups.values())


def _distances(one: DatasetComparison, shown: Sequence[Distance]) -> Table:
    columns = (
        Column("feature", "Feature"),
        Column("verdict", "Verdict", "word"),
        Column("found", "Distance", "decimal"),
        Column("allowed", "Allowed", "decimal"),
        Column("measure", "Measure"),
        Column("text", "Here and there"),
    )

    def row(each: Distance) -> tuple[object, ...]:
        verdict = "differs" if each.differs else "alike"
        title = feature_title(each.feature)
        return (title, verdict, each.value, each.allowed, each.measure, each.text)

    gone = [
        (feature_title(name), "differs", None, None, "", text) for name, text in one.absent.items()
    ]
    ordered = sorted(shown, key=lambda each: not each.differs)
    return Table(
        f"{one.kind}-distances",
        "Distances" if shown is one.distances else "Distances, of a feature's leads the greatest",
        f"{HERE_AND_THERE[one.kind]} 0 where both are alike, 1 where they have nothing in common. "
        "Allowed is the schema's threshold, and what chance does to that many recordings.",
        columns,
        (*gone, *map(row, ordered)),
    )


def _distributions(sets: Sets, prefix: str) -> tuple[Block, ...]:
    """A figure for each feature of which the sets say something, one for all leads of a feature.

    Figures call the sets by their names here, and have ids that begin with the prefix.
    """
    names = list(dict.fromkeys(name for one in sets.values() for name in one))
    single = [name for name in names if " " not in name and name not in NOT_DRAWN]
    same = {name: value for name in single if (value := _one_value(sets, name)) is not None}
    figures = [
        figure
        for index, name in enumerate(single)
        if name not in same and (figure := _figure(sets, name, f"{prefix}-{index}"))
    ]
    by_lead: dict[str, list[str]] = {}
    for name in names:
        feature, _, lead = name.partition(" ")
        if lead and all(_has_values(one, name) for one in sets.values()):
            by_lead.setdefault(feature, []).append(lead)
    wide = []
    for feature, leads in by_lead.items():
        shared = {_one_value(sets, f"{feature} {lead}") for lead in leads}
        if len(shared) == 1 and (value := shared.pop()) is not None:
            same[feature] = value
        else:
            anchor = f"{prefix}-{feature.replace('_', '-')}"
            wide.append(_lead_figure(sets, feature, leads, anchor))
    blocks: list[Block] = []
    if figures:
        blocks.append(Figures(tuple(figures), "panels"))
    if wide:
        blocks.append(Figures(tuple(wide)))
    if same:
        values = "; ".join(f"{axis_title(name)}: {value}" for name, value in same.items())
        blocks.append(Note(f"The same in every recording: {values}."))
    return tuple(blocks)


def _figure(sets: Sets, name: str, anchor: str) -> Drawing | None:
    found = {title: one[name] for title, one in sets.items() if name in one}
    if not any(one.counts if isinstance(one, Texts) else one.quantiles for one in found.values()):
        return None
    texts = {title: one for title, one in found.items() if isinstance(one, Texts)}
    numbers = {title: one for title, one in found.items() if isinstance(one, Numbers)}
    draw = partial(texts_plot, texts) if texts else partial(numbers_plot, numbers, axis_title(name))
    parts = [feature_title(name)]
    if numbers:
        medians = {t: f"{one.median:.4g}" for t, one in numbers.items() if one.present}
        parts.append(f"median {_list(medians)}")
    if any(one.missing for one in found.values()):
        unknown = {title: _percent(one.missing, one.records) for title, one in found.items()}
        # a recording without a label of the set is known to have none
        parts.append(f"{'none in' if name == 'labels' else 'unknown of'} {_list(unknown)}")
    caption = f"{parts[0]}: {'; '.join(parts[1:])}." if parts[1:] else f"{parts[0]}."
    return Drawing(anchor, caption, caption, draw)


def _lead_figure(sets: Sets, feature: str, leads: Sequence[str], anchor: str) -> Drawing:
    drawn = {}
    for title, one in sets.items():
        columns = [one[f"{feature} {lead}"] for lead in leads]
        drawn[title] = [column for column in columns if isinstance(column, Numbers)]
    caption = (
        f"{feature_title(feature)} of each lead: the median, and the range of nine tenths of the "
        "recordings."
    )
    return Drawing(anchor, caption, caption, lambda: leads_plot(drawn, leads, axis_title(feature)))


def _missing(found: Validation) -> Section:
    """The share of recordings of which each feature is not known."""
    # what is served is among the profiles
    others = {one.other: one.theirs for one in found.comparisons if one.kind == "drift"}
    sets = dict(found.profiles) | others
    everything = list(dict.fromkeys(name for one in sets.values() for name in one))
    names = [
        name
        for name in everything
        if any(one[name].missing for one in sets.values() if name in one)
    ]
    if not names:
        blocks: tuple[Block, ...] = ("Everything is known of every recording.",)
    else:
        columns = (Column("feature", "Feature"), *(Column(title, title) for title in sets))
        shares = {
            name: tuple(
                _percent(one[name].missing, one[name].records) if name in one else "–"
                for one in sets.values()
            )
            for name in names
        }
        rows = tuple((title, *row) for title, row in _fold_leads(shares, everything).items())
        table = Table("missing", "Recordings of which a feature is not known", "", columns, rows)
        blocks = (Rows(table),)
    return Section("missing", "What is not known", blocks)


def _fold_leads(
    shares: Mapping[str, tuple[str, ...]], everything: Collection[str]
) -> dict[str, tuple[str, ...]]:
    """Rows by their titles; one for all leads of a feature where these are alike."""
    of_feature: dict[str, set[tuple[str, ...] | None]] = {}
    for name in everything:
        of_feature.setdefault(feature_of(name), set()).add(shares.get(name))
    rows = {}
    for name, row in shares.items():
        feature = feature_of(name)
        alike = name != feature and len(of_feature[feature]) == 1
        rows[f"{feature_title(feature)}, each lead" if alike else feature_title(name)] = row
    return rows


def _one_value(sets: Sets, name: str) -> str | None:
    """The value that all recordings of all sets share, where there is one."""
    values = set()
    for one in sets.values():
        profile = one.get(name)
        if not isinstance(profile, Numbers) or not profile.present:
            return None
        values |= {f"{profile.low:.4g}", f"{profile.high:.4g}"}
    return values.pop() if len(values) == 1 else None


def _keep(sets: Sets, wanted: Callable[[str], bool]) -> Sets:
    """The features that are wanted, of every set."""
    return {
        title: {name: one for name, one in profile.items() if wanted(name)}
        for title, profile in sets.items()
    }


def _has_values(profile: Profile, name: str) -> bool:
    one = profile.get(name)
    return isinstance(one, Numbers) and one.present > 0


def _list(values: Mapping[str, str]) -> str:
    return ", ".join(f"{value} ({title})" for title, value in values.items())


def _percent(count: int, total: int) -> str:
    return percent(count / total, 1).replace(" ", "\N{NO-BREAK SPACE}") if total else "–"
