"""One table, four ways of writing it: nothing is lost, nothing escapes, columns line up."""

import csv
import io
import math
import re

import numpy as np
import pytest
from hypothesis import given, strategies as st

from ecg_keras.evaluation import Estimate
from ecg_keras.report import tables
from ecg_keras.report.table_files import LATEX, csv_text, latex_text, markdown_text
from ecg_keras.report.tables import Column, Table, cell_html, cell_text

NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=30)


def made(rows, columns=None):
    columns = columns or (Column("name", "Name"), Column("score", "Score", "difference"))
    return Table("made", "A table", "For tests.", columns, tuple(rows))


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("text", "a & b", "a & b"),
        ("way", ("finetune from x", "lstm, 200 ECGs"), "finetune from x, lstm, 200 ECGs"),
        ("way", ("scratch", ""), "scratch"),
        ("word", "better", "better"),
        ("size", 1200, "1,200"),
        ("size", 0, "all"),
        ("count", 12_345, "12,345"),
        ("count", 66.6666, "66.7"),
        ("count", 480.0, "480"),
        ("score", Estimate(1.0, 0.472, math.inf), "1.000 (0.472 to no bound)"),
        ("decimal", 0.12345, "0.123"),
        ("decimal", float("nan"), "undefined"),
        ("signed", 0.5, "+0.500"),
        ("score", Estimate(0.5, 0.4, 0.6), "0.500 (0.400 to 0.600)"),
        ("score", Estimate(float("nan"), 0, 1), "undefined"),
        ("difference", Estimate(-0.0123, -0.03, 0.0061), "−0.012 (−0.030 to +0.006)"),
        ("difference", None, "undefined"),
        ("score", 0.5, "0.500"),
        ("score", None, "undefined"),
        ("seconds", 5400.0, "1.5 h"),
        ("p", 0.0001, "<0.001"),
        ("p", None, "undefined"),
        ("seconds", None, "never"),
        ("epochs", 11.5, "11.5"),
        ("epochs", None, "never"),
        ("records", Estimate(240.4, 120, math.inf), "240 (120 to beyond the sizes)"),
        ("records", None, "none"),
        ("factor", Estimate(172.4, 2.44, 12_600.0), "170 (2.4 to 13,000)"),
        ("factor", Estimate(9.96, 0.123, math.inf), "10 (0.12 to beyond the sizes)"),
        # outside the sizes, as the sentences about the curves say it
        ("factor", Estimate(-math.inf, -math.inf, 2.14), "undefined (below the sizes to 2.1)"),
        ("factor", Estimate(-math.inf, -math.inf, -math.inf), "undefined"),
        ("factor", Estimate(math.inf, 1.7, math.inf), "undefined (1.7 to beyond the sizes)"),
        ("factor", Estimate(math.inf, math.inf, math.inf), "beyond the sizes"),
        ("records", Estimate(math.inf, 34, math.inf), "beyond the sizes (34 to beyond the sizes)"),
        ("records", Estimate(math.inf, math.inf, math.inf), "beyond the sizes"),
        ("records", Estimate(-math.inf, -math.inf, 90), "below the sizes (below the sizes to 90)"),
        ("records", Estimate(-math.inf, -math.inf, -math.inf), "below the sizes"),
    ],
)  # fmt: skip
def test_each_kind_is_written_for_readers(kind, value, text):
    assert cell_text(kind, value) == text


def test_a_judging_word_has_a_mark_beside_its_colour():
    cell = str(cell_html(Column("v", "V", "word"), "worse"))
    assert cell == '<span class="word worse"><span aria-hidden="true">▼</span> worse</span>'
    assert len(set(tables.MARKS.values())) == len(tables.MARKS)
    assert "&lt;b&gt;" in cell_html(Column("n", "N"), "<b>")
    assert "&lt;b&gt;" in cell_html(Column("n", "N", "way"), ("<b>", "<i>"))


@given(st.lists(st.tuples(NAMES, st.floats(-1, 1)), max_size=5))
def test_a_csv_gives_back_what_went_in_to_the_last_digit(pairs):
    rows = [(name, Estimate(value, value - 0.1, value + 1 / 3)) for name, value in pairs]
    read = list(csv.DictReader(io.StringIO(csv_text(made(rows)))))
    assert [
        (row["name"], float(row["score"]), float(row["score_low"]), float(row["score_high"]))
        for row in read
    ] == [(name, score.value, score.low, score.high) for name, score in rows]


def test_a_csv_reads_as_a_data_frame():
    pandas = pytest.importorskip("pandas")
    columns = (
        *(Column("label", "Label"), Column("size", "Size", "size"), Column("p", "p", "p")),
        *(Column("auroc", "AUROC", "score"), Column("crossover", "C", "records")),
    )
    rows = [
        ('a,"b"', 0, 0.01, Estimate(0.7, 0.6, 0.8), Estimate(240.0, 120.0, math.inf)),
        ("none", 50, None, None, None),
    ]
    frame = pandas.read_csv(io.StringIO(csv_text(made(rows, columns))))
    assert list(frame.columns) == [
        *("label", "size", "p", "auroc", "auroc_low", "auroc_high"),
        *("crossover", "crossover_low", "crossover_high"),
    ]
    assert frame.label[0] == 'a,"b"' and frame["size"].tolist() == ["all", "50"]
    assert frame.auroc_high[0] == 0.8 and np.isinf(frame.crossover_high[0])
    assert all(np.isnan(frame[name][1]) for name in ("p", "auroc", "crossover"))
    empty = pandas.read_csv(io.StringIO(csv_text(made([], columns))))
    assert len(empty) == 0 and len(empty.columns) == 9


@given(st.lists(NAMES, min_size=1, max_size=5))
def test_markdown_columns_line_up_and_no_name_breaks_out(names):
    text = markdown_text(made([(name, Estimate(0.1, 0, 0.2)) for name in names]))
    lines = text.rstrip("\n").split("\n")[2:]
    assert len(lines) == len(names) + 2
    assert len({len(line) for line in lines}) == 1
    for line in lines:
        assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) == 3
        assert "<" not in line.replace("\\<", "")
    assert lines[1].startswith("| ---") and lines[1].endswith(": |")


def test_markdown_keeps_plain_names_plain():
    text = markdown_text(made([("as_published *x* _y_", None)]))
    assert "as_published \\*x\\* \\_y\\_" in text
    assert text.startswith("A table. For tests.\n\n| Name")


def unescaped(text):
    """LaTeX back to what it shows."""
    for character, command in sorted(LATEX.items(), key=lambda pair: -len(pair[1])):
        text = text.replace(command, f"\0{ord(character)}\0")
    return re.sub("\0(\\d+)\0", lambda code: chr(int(code[1])), text)


@given(NAMES.filter(lambda name: "--" not in name))
def test_latex_escapes_every_special_character(name):
    text = latex_text(made([(name, None)]))
    (line,) = [line for line in text.splitlines() if line.endswith(r"undefined \\")]
    cell = line.removesuffix(r" & undefined \\")
    assert unescaped(cell) == " ".join(name.split())
    plain = cell
    for command in sorted(LATEX.values(), key=len, reverse=True):
        plain = plain.replace(command, "")
    assert not set(plain) & set("\\{}$&#%_^~<>|")


def test_latex_has_booktabs_a_caption_and_a_label():
    text = latex_text(made([("a_b", Estimate(-0.012, -0.03, 0.006))]))
    assert text.startswith("% \\usepackage{booktabs}\n\\begin{table}\n")
    assert r"\caption{A table. For tests.}\label{tab:made}" in text
    assert r"\begin{tabular}{lr}" in text
    for rule in (r"\toprule", r"\midrule", r"\bottomrule"):
        assert text.count(rule) == 1
    assert r"a\_b & $-$0.012 ($-$0.030 to +0.006) \\" in text


def test_latex_breaks_long_cells_into_lines():
    sentence = "The validation split is small for a choice."
    text = latex_text(made([("short", None), (sentence, None)]))
    assert r"\begin{tabular}{p{0.83\linewidth}r}" in text
    columns = tuple(Column(name, name) for name in "abc")
    text = latex_text(made([(sentence, sentence, "c")], columns))
    assert r"\begin{tabular}{p{0.41\linewidth}p{0.41\linewidth}l}" in text


def test_a_latex_table_longer_than_a_page_breaks_across_pages():
    text = latex_text(made([(f"r{number}", None) for number in range(41)]))
    assert r"\begin{longtable}{lr}" in text and r"\end{longtable}" in text
    assert r"\usepackage{longtable}" in text and r"\begin{table}" not in text
    assert text.count(r"Name & Score \\") == 2


def test_readers_are_spared_columns_that_say_the_same_everywhere():
    columns = (Column("head", "Head", plain=True), Column("mode", "Mode"))
    same = made([("pooled", "a"), ("pooled", "a")], columns)
    other = made([("pooled", "a"), ("flattened", "a")], columns)
    assert [column.key for column in same.for_readers().columns] == ["mode"]
    assert same.for_readers().rows == (("a",), ("a",))
    assert other.for_readers() == other
    assert "Head" not in markdown_text(same) and "Head" not in latex_text(same)
    assert csv_text(same).startswith("head,mode\n")
