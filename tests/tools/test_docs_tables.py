"""The tables in the README and docs/ are those of the code."""

import importlib
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
docs_tables = importlib.import_module("docs_tables")
sources = importlib.import_module("documented.sources")
sys.path.remove(str(ROOT / "tools"))


# all networks are built for it; its numbers are those of tests/models/test_backbones.py
BUILT = "docs/backbones.md"


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=pytest.mark.long if page == BUILT else ())
        for page in docs_tables.TABLES
    ],
)
def test_the_pages_have_the_tables_that_the_script_writes(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    tables = docs_tables.TABLES[page]
    assert text.count("<!-- table: ") == text.count("<!-- end -->") == len(tables)
    assert docs_tables.replace_tables(text, tables) == text, "run: python tools/docs_tables.py"


@pytest.mark.parametrize("page", docs_tables.TABLES)
def test_a_page_without_its_table_is_refused(page):
    name = next(iter(docs_tables.TABLES[page]))
    with pytest.raises(ValueError, match=f"no line <!-- table: {name} -->"):
        docs_tables.replace_tables("# A page", docs_tables.TABLES[page])


def test_a_table_without_an_end_is_refused():
    with pytest.raises(ValueError, match="no line <!-- end --> after <!-- table: x -->"):
        docs_tables.replace_tables("<!-- table: x -->\n| a |\n", {"x": lambda: "| b |\n"})


@pytest.mark.parametrize(
    "make", [sources.list_databases, sources.describe_sources, sources.describe_expectations]
)
def test_a_table_has_a_row_for_each_source(make):
    rows = make().splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == list(sources.SOURCES)
