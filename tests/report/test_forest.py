"""What a study's figures show, read from their lines; and that colour is never alone."""

from importlib.resources import files

import numpy as np
import pytest
from matplotlib.colors import to_hex
from study_example import contrast

from ecg_keras.evaluation import Estimate
from ecg_keras.report.forest import WORDS, CostRow, ForestRow, forest_plot, ledger_plot
from ecg_keras.report.style import DARK, LIGHT


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def markers(figure, axes=0):
    lines = figure.axes[axes].get_lines()
    return [line for line in lines if line.get_marker() not in ("None", None, "")]


def test_each_verdict_has_a_shape_a_colour_and_a_word():
    rows = [ForestRow(f"way {word}", contrast(0.01, 0.01), word, "resnet1d18") for word in WORDS]
    figure = forest_plot(rows, 0.02)
    drawn = markers(figure)
    assert [line.get_marker() for line in drawn] == ["^", "s", "v", "o"]
    assert len({to_hex(line.get_color()) for line in drawn}) == 4
    assert to_hex(drawn[3].get_markerfacecolor()) == LIGHT["page"]
    assert texts(figure) == [
        "resnet1d18",
        *(said for word in WORDS for said in (f"way {word}", word)),
    ]
    heights = [line.get_ydata()[0] for line in drawn]
    assert heights == sorted(heights)
    bottom, top = figure.axes[0].get_ylim()
    assert bottom > heights[-1] and top < 0  # the first row is on top


def test_the_margin_is_a_band_around_zero_and_zero_in_the_middle():
    rows = [ForestRow("a", Estimate(0.1, 0.05, 0.15), "better")]
    figure = forest_plot(rows, 0.02)
    band = figure.axes[0].patches[0].get_extents().transformed(
        figure.axes[0].transData.inverted()
    )  # fmt: skip
    assert (band.x0, band.x1) == pytest.approx((-0.02, 0.02))
    low, high = figure.axes[0].get_xlim()
    assert low == -high and high > 0.15
    assert not list(forest_plot(rows).axes[0].patches)


def test_groups_are_named_once_and_long_names_are_cut():
    rows = [ForestRow("x" * 80, contrast(0, 0.01), "", group) for group in ("a", "a", "b")]
    said = texts(forest_plot(rows))
    assert [text for text in said if len(text) == 1] == ["a", "b"]
    assert said[1] == "x" * 51 + "…"


def test_an_unjudged_row_is_filled_where_zero_is_outside():
    rows = [
        ForestRow(str(value), Estimate(value, value - 0.02, value + 0.02))
        for value in (-0.1, 0, 0.1)
    ]
    fills = [to_hex(line.get_markerfacecolor()) for line in markers(forest_plot(rows))]
    assert fills == [LIGHT["orange"], LIGHT["page"], LIGHT["blue"]]


def test_an_arrow_leads_from_before_to_after():
    row = ForestRow("a", contrast(0.05, 0.01), before=contrast(-0.02, 0.01))
    figure = forest_plot([row], 0.02)
    before, after = markers(figure)
    assert (before.get_xdata()[0], after.get_xdata()[0]) == (-0.02, 0.05)
    assert before.get_ydata()[0] < after.get_ydata()[0]
    (arrow,) = [text for text in figure.axes[0].texts if not text.get_text()]
    assert arrow.xy[0] == 0.05 and arrow.xyann[0] == -0.02


def test_an_interval_without_end_does_not_break_a_forest():
    row = ForestRow("a", Estimate(0.05, -np.inf, np.inf))
    low, high = forest_plot([row]).axes[0].get_xlim()
    assert np.isfinite([low, high]).all()


def test_costs_are_stacked_and_the_share_is_open():
    costs = [CostRow("scratch", "g", 7200.0, 0.0), CostRow("finetune", "g", 3600.0, 5400.0)]
    figure = ledger_plot(costs)
    widths = [bar.get_width() for bar in figure.axes[0].patches]
    assert widths == pytest.approx([2.0, 0.0, 1.0, 1.5])
    assert figure.axes[0].patches[3].get_x() == 1.0
    assert (
        not figure.axes[0].patches[3].get_fill()
        or figure.axes[0].patches[3].get_facecolor()[3] == 0
    )
    assert figure.axes[0].get_xlabel() == "Time in hours"
    assert ledger_plot([CostRow("a", "g", 20.0, 0.0)]).axes[0].get_xlabel() == "Time in seconds"


def luminance(colour):
    parts = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(parts <= 0.03928, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def ratio(one, other):
    """The contrast of two colours (WCAG 2.2, relative luminance)."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_colours_stand_out_from_the_page(theme):
    for name in ("ink", "muted", "blue", "orange", "orange-text", "green", "purple"):
        wanted = 3.0 if name in ("orange", "purple") else 4.5
        assert ratio(theme[name], theme["page"]) >= wanted, name


def test_no_word_has_the_colour_of_marks_alone():
    rows = [ForestRow(word, Estimate(0.1, 0, 0.2), word) for word in ("worse", "better")]
    written = forest_plot(rows).axes[0].texts
    colours = [text.get_color() for text in written if text.get_ha() == "right"]
    assert colours == [LIGHT["orange-text"], LIGHT["blue"]]
    css = files("ecg_keras.report").joinpath("templates/style.css").read_text(encoding="utf-8")
    assert "color: var(--orange);" not in css


def test_infinite_and_missing_ends_leave_room_for_the_plot():
    rows = [ForestRow("x" * 90, Estimate(0.05, np.nan, np.nan)), ForestRow("$x$", contrast(0, 0.1))]
    figure = forest_plot(rows)
    figure.draw_without_rendering()
    assert figure.axes[0].get_position().width > 0.4
    assert texts(figure)[-1] == "$x$"
