"""The tables of databases, from the sources themselves."""

from __future__ import annotations

import re

from documented.markdown import format_table
from ecg_keras.sources import FOLDER, SOURCES, Corpus, Source, corpus_of, find_source

# what a recipe says of them is all that is known of these
OF_RECIPES = {
    "simulated": "its hospital's | its hospital's | 0 to 120 | 50 % | 99 %",
    FOLDER: "any | any | 0 to 120 | a column that the recipe names holds something | likewise",
}


def describe_sources() -> str:
    """The table of docs/sources.md."""
    rows = []
    for name, corpus in _list_corpora():
        if name == FOLDER:
            rest = ["`labels` (those of the table)", "column `fold`", "your own", "your own"]
        else:
            source = find_source(name)
            sets = (f"`{one}` ({len(labels)})" for one, labels in source.LABEL_SETS.items())
            folds = f"1 to {corpus.expectations.folds}" if source.OFFICIAL_FOLDS else "none"
            rest = [", ".join(sets), folds, source.LICENCE, _cite(source)]
        rows.append([f"`{name}`", corpus.about, corpus.layout, *rest])
    columns = ["name", "database", "layout of `data.raw`", "label sets", "folds", "licence"]
    return format_table([*columns, "citation"], rows)


def describe_expectations() -> str:
    """The table of docs/validation.md."""
    rows = []
    for name, corpus in _list_corpora():
        expected = corpus.expectations
        rates = ", ".join(f"{rate:g}" for rate in expected.rates)
        ranges = [f"{low:g} to {high:g}" for low, high in (expected.seconds, expected.age)]
        shares = [
            f"{100 * share:g} %" if share else "–"
            for share in (expected.ages_known, expected.sexes_known)
        ]
        cells = OF_RECIPES[name].split(" | ") if name in OF_RECIPES else [rates, *ranges, *shares]
        rows.append([f"`{name}`" + ", your own source" * (name == FOLDER), *cells])
    return format_table(["source", "Hz", "seconds", "age", "ages known", "sexes known"], rows)


def list_databases() -> str:
    """The table of the README."""
    rows = [
        [f"`{name}`", re.sub(r"\[(.*?)\]\(.*?\)", r"\1", corpus.about)]
        for name, corpus in _list_corpora()
    ]
    return format_table(["`source`", "database"], rows)


def _list_corpora() -> list[tuple[str, Corpus]]:
    corpora = ((name, corpus_of(name)) for name in SOURCES)
    return [(name, corpus) for name, corpus in corpora if corpus is not None]


def _cite(source: Source) -> str:
    """The first author and the year of a citation, linked to its DOI."""
    found = re.fullmatch(r"(.+?) [A-Z]+[, ].*\b((?:19|20)\d\d)\).*?(https://\S+)", source.CITATION)
    return f"[{found[1]} {found[2]}]({found[3]})" if found else "none: no people"
