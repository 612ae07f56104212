"""What the figures of learning show, read from their lines."""

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex
from study_example import study

from ecg_keras.report.learning_plots import WAYS, convergence_plot, learning_plot, scatter_plot
from ecg_keras.report.style import LIGHT, PHONE_FONT, STYLE


@pytest.fixture(scope="module")
def result():
    return study(downstreams=("ptbxl",), backbones=("resnet1d18",), protocols=("sound",))


def markers(figure, axes=0):
    lines = figure.axes[axes].get_lines()
    return [line for line in lines if line.get_marker() not in ("None", None, "")]


def test_downstreams_differ_in_shape_and_colour():
    figure = scatter_plot([("a", 0.1, 0.2), ("b", 0.3, -0.1), ("a", 0.2, 0.1)], "LogME")
    drawn = markers(figure)
    assert [line.get_marker() for line in drawn] == ["o", "s"]
    assert np.asarray(drawn[0].get_xydata()).tolist() == [[0.1, 0.2], [0.2, 0.1]]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a", "b"]


def test_a_learning_curve_shows_points_fits_margin_and_crossover(result):
    fitted = next(curve for curve in result.curves if curve.crossover is not None)
    figure = learning_plot(fitted)
    top, bottom = figure.axes
    points = {line.get_label(): line for line in markers(figure)}
    assert points["scratch"].get_ydata().tolist() == [
        score.value for score in fitted.scores["scratch"]
    ]
    assert points[fitted.way].get_marker() != points["scratch"].get_marker()
    lines = [line for line in top.get_lines() if line.get_linestyle() != "None"]
    assert len(lines) == 2 and {line.get_linestyle() for line in lines} == {"-", "--"}
    assert 240.0 in [line.get_xdata()[0] for line in bottom.get_lines()]
    assert [text.get_text() for text in bottom.texts] == ["crossover"]
    assert top.get_xscale() == "log"
    assert [text.get_text() for text in bottom.get_xticklabels()] == ["50", "200", "300"]
    (arrow,) = top.texts
    score = fitted.scores[fitted.way][0].value
    assert (arrow.xyann, arrow.xy) == ((50, score), (120, score)), "what 50 ECGs are worth"
    plain = next(curve for curve in result.curves if curve.crossover is None)
    assert not list(learning_plot(plain).axes[0].texts)
    assert not list(learning_plot(plain).axes[1].texts)


def test_convergence_is_the_mean_of_the_runs_in_a_band(result):
    arms = {name.way: arm.convergence for name, arm in result.arms.items() if name.size == 0}
    figure = convergence_plot(arms, "scratch")
    drawn = {line.get_label(): line for line in figure.axes[0].get_lines()}
    assert list(drawn) == list(arms)
    for way, curve in arms.items():
        assert drawn[way].get_ydata() == pytest.approx(curve.score.mean(axis=0))
    assert to_hex(drawn["scratch"].get_color()) == LIGHT["orange"]
    assert len({line.get_marker() for line in drawn.values()}) == len(arms)
    assert len({to_hex(line.get_color()) for line in drawn.values()}) == len(arms)
    band = figure.axes[0].collections[0].get_paths()[0].vertices
    low = np.quantile(arms["scratch"].score, 0.1, axis=0)
    assert band[:, 1].min() == pytest.approx(low.min())
    assert figure.axes[0].get_ylabel() == "Score on validation"
    assert convergence_plot(arms, "scratch", "test").axes[0].get_ylabel() == "Score on test"


def test_more_ways_than_styles_differ_in_their_markers(result):
    curve = next(iter(result.arms.values())).convergence
    ways = {f"finetune from {number}": curve for number in range(11)}
    lines = markers(convergence_plot(ways, "scratch"))
    looks = {(to_hex(line.get_color()), line.get_linestyle(), line.get_marker()) for line in lines}
    assert len(looks) == len(ways)


@pytest.mark.parametrize(("longest", "columns"), [(10, 2), (40, 1)])
def test_a_legend_has_room_for_the_larger_words_of_a_phone(result, longest, columns):
    curve = next(iter(result.arms.values())).convergence
    names = [f"{n} finetune from a database of far away"[:longest] for n in range(4)]
    figure = convergence_plot(dict.fromkeys(names, curve), "scratch")
    with matplotlib.rc_context(STYLE):
        figure.draw_without_rendering()
    (legend,) = figure.legends
    boxes = [text.get_window_extent() for text in legend.get_texts()]
    assert len({round(box.x0) for box in boxes}) == columns
    grow = PHONE_FONT / STYLE["legend.fontsize"]
    lines = [line.get_window_extent() for line in legend.get_lines()]
    for box in boxes:
        right = box.x0 + grow * box.width
        assert right <= figure.bbox.x1
        assert all(right < line.x0 for line in lines if line.x0 > box.x0)


def test_the_ways_of_a_figure_differ_in_colour_line_and_marker():
    for part in range(3):
        assert len({str(way[part]) for way in WAYS}) == len(WAYS)
    assert LIGHT["orange"] not in {colour for colour, *_ in WAYS}  # the reference's
