"""The paper's scale, the layout of the leads, and what can't be drawn."""

import doctest
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg

from ecg_keras.errors import DataError
from ecg_keras.report import ecg_plot, plot_ecg, shown_ecgs
from ecg_keras.report.ecg_plot import LEFT_MM
from ecg_keras.report.style import LIGHT, text_mm, wrap
from ecg_keras.signals import LEADS
from ecg_keras.text import percent


def line(figure, gid):
    """The lines of one gid, in drawing order, as (x, y) in millimetres of paper."""
    return [one.get_data() for one in figure.axes[0].get_lines() if one.get_gid() == gid]


def inches_per_mm(figure):
    """How large a millimetre of the axes comes out, across and upward."""
    axes = figure.axes[0]
    origin, corner = axes.transData.transform([(0, 0), (1, 1)])
    return (corner - origin) / figure.dpi


def square_wave(rate, seconds=10.0):
    """1 mV for the first half of every second, in all leads, around a median of zero."""
    time = np.arange(round(seconds * rate)) / rate
    wave = np.where(time % 1 < 0.4, 1.0, 0.0)
    return np.repeat(wave[:, None], 12, axis=1)


@pytest.mark.parametrize("rate", [100, 257, 500])
def test_a_second_is_25_mm_and_a_millivolt_10_mm(rate):
    figure = plot_ecg(square_wave(rate), sampling_rate=rate, leads=LEADS)
    x, y = line(figure, "lead-II")[-1]  # the rhythm strip
    ups = x[np.flatnonzero(np.diff(y) > 5)]
    assert np.diff(ups) == pytest.approx(25.0, abs=25 / rate + 1e-6)
    assert y.max() - y.min() == pytest.approx(10.0, abs=1e-5)
    assert x[0] == LEFT_MM
    assert inches_per_mm(figure) == pytest.approx([1 / 25.4, 1 / 25.4])


def test_the_grid_has_lines_every_1_and_5_mm():
    figure = plot_ecg(np.zeros((1000, 12)), sampling_rate=100, leads=LEADS)
    for gid, step in (("paper-minor", 1), ("paper-major", 5)):
        x, y = line(figure, gid)[0]
        first, second = np.stack([x, y], 1)[0::3], np.stack([x, y], 1)[1::3]
        upright = first[:, 0] == second[:, 0]
        assert np.diff(first[upright, 0]) == pytest.approx(step)
        assert np.diff(first[~upright, 1]) == pytest.approx(-step)


def test_zero_millivolts_and_the_calibration_pulse_stand_on_the_grid():
    figure = plot_ecg(np.zeros((1000, 12)), sampling_rate=100, leads=LEADS)
    lines = figure.axes[0].get_lines()
    pulses = [one for one in lines if len(one.get_xdata()) == 6 and one.get_gid() is None]
    assert len(pulses) == 4
    grid = line(figure, "paper-major")[0][1]
    for pulse, lead in zip(pulses, ("I", "II", "III", "II"), strict=True):
        x, y = pulse.get_data()
        assert y.max() - y.min() == pytest.approx(10.0)
        assert x[y == y.max()].max() - x[y == y.max()].min() == pytest.approx(5.0)
        assert np.isclose(grid, y.min()).any()
        assert any(np.allclose(y.min(), trace) for _, trace in line(figure, f"lead-{lead}"))


def test_the_standard_layout_shows_each_lead_in_its_quarter():
    signal = np.random.default_rng(0).normal(0, 0.1, (1000, 12)).astype(np.float32)
    figure = plot_ecg(signal, sampling_rate=100, leads=LEADS)
    names = [text.get_text() for text in figure.axes[0].texts]
    assert names == [
        "25 mm/s, 10 mm/mV",
        *("I", "aVR", "V1", "V4"),
        *("II", "aVL", "V2", "V5"),
        *("III", "aVF", "V3", "V6"),
        "II",
    ]
    x, y = line(figure, "lead-V2")[0]
    assert (x[0] - LEFT_MM, x[-1] - LEFT_MM) == pytest.approx((125.0, 187.5))
    column = signal[:, LEADS.index("V2")]
    wanted = 10 * (column - np.median(column))[500:751]
    assert y - y.mean() == pytest.approx(wanted - wanted.mean(), abs=1e-4)
    assert len(line(figure, "lead-II")) == 2


def test_columns_are_found_by_name_not_by_place():
    signal = np.zeros((1000, 12))
    signal[300:310, 3] = 2.0
    order = ("V6", "V5", "V4", "I", "V3", "V2", "V1", "aVF", "aVL", "aVR", "III", "II")
    figure = plot_ecg(signal, sampling_rate=100, leads=order)
    assert np.ptp(line(figure, "lead-aVR")[0][1]) == 0
    assert np.ptp(line(figure, "lead-I")[0][1]) == 0  # its column ends at 2.5 s
    moved = np.roll(signal, -200, axis=0)
    figure = plot_ecg(moved, sampling_rate=100, leads=order)
    assert np.ptp(line(figure, "lead-I")[0][1]) == pytest.approx(20.0)


@given(
    samples=st.integers(1, 1500),
    leads=st.lists(st.sampled_from(LEADS), min_size=1, max_size=11, unique=True),
    peak=st.floats(0.01, 3.0),
)
@settings(max_examples=25, deadline=None)
def test_other_leads_get_a_row_each_and_up_to_10_s(samples, leads, peak):
    signal = np.zeros((samples, len(leads)))
    signal[0] = peak
    figure = plot_ecg(signal, sampling_rate=100, leads=leads, title="$x$")
    rows = [line(figure, f"lead-{lead}") for lead in leads]
    assert [len(row) for row in rows] == [1] * len(leads)
    heights = [row[0][1].min() for row in rows]
    assert heights == sorted(heights, reverse=True)
    assert all(len(row[0][0]) == min(samples, 1000) for row in rows)
    top = figure.axes[0].get_ylim()[1]
    assert all(row[0][1].min() > 0 and row[0][1].max() < top for row in rows)
    assert figure.axes[0].get_title(loc="left") == "$x$"


def test_a_constant_offset_moves_nothing():
    signal = np.random.default_rng(1).normal(0, 0.2, (1000, 12))
    plain = plot_ecg(signal, sampling_rate=100, leads=LEADS)
    moved = plot_ecg(signal + 7, sampling_rate=100, leads=LEADS)
    assert line(moved, "lead-V4")[0][1] == pytest.approx(line(plain, "lead-V4")[0][1], abs=1e-4)


def test_what_is_no_ecg_is_refused():
    with pytest.raises(DataError, match=r"one column for each of its 2 leads"):
        plot_ecg(np.zeros((100, 3)), sampling_rate=100, leads=("I", "II"))
    with pytest.raises(DataError, match="sampling_rate must be above 0 Hz"):
        plot_ecg(np.zeros((100, 1)), sampling_rate=0, leads=("I",))
    with pytest.raises(DataError, match="at least one sample"):
        plot_ecg(np.zeros((0, 1)), sampling_rate=100, leads=("I",))
    with pytest.raises(DataError, match="finite"):
        plot_ecg([[np.nan]], sampling_rate=100, leads=("I",))


def bands(figure, lead):
    """The marked pieces of a lead, as (colour, width, x of its samples)."""
    axes = figure.axes[0]
    return [
        (one.get_color(), one.get_linewidth(), one.get_xdata()[~np.isnan(one.get_xdata())])
        for one in axes.get_lines()
        if one.get_gid() == f"bands-{lead}"
    ]


def test_what_drove_an_answer_is_marked_behind_the_trace():
    colour = np.zeros((1000, 12))
    v2, v5 = LEADS.index("V2"), LEADS.index("V5")
    colour[600:620, v2], colour[640:650, v2] = 1.0, 0.2
    colour[800:810, v5], colour[0, v2] = -0.6, 0.1  # the last is too little to be marked
    signal = np.random.default_rng(0).normal(0, 0.1, (1000, 12))
    figure = plot_ecg(signal, sampling_rate=100, leads=LEADS, colour=colour, colour_title="it")
    weak, strong = bands(figure, "V2")
    assert weak[0] == strong[0] == LIGHT["orange"] and weak[1] < strong[1]
    assert strong[2][[0, -1]] == pytest.approx(LEFT_MM + np.array([599.5, 619.5]) / 4)
    assert weak[2][[0, -1]] == pytest.approx(LEFT_MM + np.array([639.5, 649.5]) / 4)
    (against,) = bands(figure, "V5")
    assert against[0] == LIGHT["blue"] and not bands(figure, "V1")
    order = [one.get_gid() for one in figure.axes[0].get_lines()]
    assert order.index("bands-V2") < order.index("lead-V2")
    assert order.count("together") == 3
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert {"all leads", "for", "against", percent(0.15), percent(0.75), "it"} <= set(texts)
    plain = plot_ecg(signal, sampling_rate=100, leads=LEADS)
    assert line(plain, "lead-V2")[0][0] == pytest.approx(line(figure, "lead-V2")[0][0])
    assert inches_per_mm(figure) == pytest.approx([1 / 25.4, 1 / 25.4])


def test_an_array_for_all_leads_marks_all_of_them():
    colour = np.zeros(1500)
    colour[100:110] = 2
    figure = plot_ecg(np.zeros((1500, 2)), sampling_rate=100, leads=("I", "V1"), colour=colour)
    assert [len(bands(figure, lead)) for lead in ("I", "V1")] == [1, 1]
    assert "against" not in [text.get_text() for text in figure.axes[0].texts]
    figure = plot_ecg(np.zeros((9, 1)), sampling_rate=100, leads=("I",), colour=np.zeros((9, 1)))
    assert not bands(figure, "I")


@pytest.mark.parametrize("leads", [LEADS, ("V1",)])
@pytest.mark.parametrize("seconds", [0.05, 1.0, 1.99, 2.5, 5.0, 10.0])
def test_every_word_is_inside_the_figure_and_on_no_other(seconds, leads):
    signal = np.zeros((round(200 * seconds), len(leads)))
    colour = np.linspace(-1, 1, signal.size).reshape(signal.shape)
    title = "records500/00000/00001_hr/" * 4 + " MI 0.93 (present), NORM 0.02; truth MI, STTC"
    words = "what speaks for SUPERDIAGNOSTIC by integrated gradients, share of the largest value"
    figure = plot_ecg(
        signal, sampling_rate=200, leads=leads, title=title, colour=colour, colour_title=words
    )
    renderer = FigureCanvasAgg(figure).get_renderer()
    (axes,) = figure.axes
    texts = [*axes.texts, axes._left_title]
    assert "".join(axes.get_title(loc="left").split()) == "".join(title.split())
    assert words in " ".join(text.get_text() for text in texts)
    boxes = {text: text.get_window_extent(renderer) for text in texts}
    for text, box in boxes.items():
        assert figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1, text
        assert figure.bbox.y0 <= box.y0 and box.y1 <= figure.bbox.y1, text
        assert box.count_overlaps(boxes.values()) == 1, text
    assert inches_per_mm(figure) == pytest.approx([1 / 25.4, 1 / 25.4])


def test_words_are_wrapped_to_a_width():
    assert wrap("", 20, 9) == wrap(" \n", 20, 9) == []
    assert wrap("one line", 60, 9) == ["one line"]
    lines = wrap("two\nlines, of which one is longer", 30, 9)
    assert lines[0] == "two" and " ".join(lines[1:]) == "lines, of which one is longer"
    assert len(lines) == 3 and all(text_mm(one, 9) <= 30 for one in lines)
    parts = wrap("x" * 50, 20, 9)
    assert "".join(parts) == "x" * 50 and len(parts) > 3
    assert all(text_mm(one, 9) <= 20 for one in parts)
    assert wrap("wide", 0.1, 9) == ["w", "i", "d", "e"]


def test_colours_that_fit_no_ecg_are_refused():
    with pytest.raises(DataError, match=r"\(9, 1\), or \(9,\). Received: \(8,\)"):
        plot_ecg(np.zeros((9, 1)), sampling_rate=100, leads=("I",), colour=np.zeros(8))
    with pytest.raises(DataError, match="colour must be finite"):
        plot_ecg(np.zeros((9, 1)), sampling_rate=100, leads=("I",), colour=np.full(9, np.nan))


@pytest.mark.real
def test_a_real_ecg_is_drawn_as_it_was_recorded(real_data: Path):
    wfdb = pytest.importorskip("wfdb")
    record = wfdb.rdrecord(str(real_data / "ptbxl/records500/00000/00001_hr"))
    leads = [
        LEADS[[lead.upper() for lead in LEADS].index(name.upper())] for name in record.sig_name
    ]
    figure = plot_ecg(record.p_signal, sampling_rate=record.fs, leads=leads)
    _, y = line(figure, "lead-II")[-1]
    assert np.ptp(y) / 10 == pytest.approx(np.ptp(record.p_signal[:, leads.index("II")]), rel=1e-5)


@pytest.mark.parametrize("module", [shown_ecgs, ecg_plot])
def test_the_examples_run(module):
    result = doctest.testmod(module)
    assert result.attempted > 0 and result.failed == 0
