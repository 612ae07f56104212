"""The page of a check: verdict first, both datasets side by side, what is unknown."""

import math
from dataclasses import replace

import numpy as np
import pytest
from page_elements import Page, check_accessible, check_self_contained

from ecg_keras.data import Dataset, Noted, SplitSummary
from ecg_keras.report import validation_page
from ecg_keras.report.validation_plots import MOST_VALUES, leads_plot, numbers_plot, texts_plot
from ecg_keras.report.validation_words import FEATURES, axis_title, feature_title, verdict_sentences
from ecg_keras.validation import (
    Anomaly,
    DatasetComparison,
    Distance,
    Numbers,
    Texts,
    Validation as Found,
)
from ecg_keras.validation.columns import INTEGERS, NUMBERS, PER_LEAD, TEXTS

LEADS = ("I", "aVR", "V6")


def numbers(middle, spread=1.0, records=200, missing=0):
    values = np.quantile(
        np.random.default_rng(0).normal(middle, spread, 500), np.linspace(0, 1, 40)
    )
    points = tuple(zip(values.tolist(), np.linspace(0, 1, 40).tolist(), strict=True))
    return Numbers(records, missing, middle, spread, middle, points[0][0], points[-1][0], points)


def constant(value, records=200):
    return Numbers(records, 0, value, 0.0, value, value, value, ((value, 1.0),))


def unknown(records=200):
    return Numbers(records, records, *[math.nan] * 5, ())


def profile(age=60.0, peak=1.9, **others):
    return {
        "labels": Texts(200, 10, {"NORM": 120, "MI": 40, "<b>AF": 30}),
        "sex": Texts(200, 0, {"male": 110, "female": 90}),
        "age": numbers(age, 15, missing=20),
        "peak_mv": numbers(peak, peak / 10),
        "original_hz": constant(500.0),
        **{f"deflection_mv {lead}": numbers(0.3, 0.2) for lead in LEADS},
        **others,
    }


def summary(records):
    return SplitSummary(records, records, {"NORM": records}, {}, {})


def found(anomalies=(), comparisons=(), **profiles):
    splits = {name: summary(200) for name in ("train", "valid", "test")}
    dataset = Dataset(
        "ludb",
        "rhythm",
        ("NORM", "MI", "<b>AF"),
        LEADS,
        100.0,
        1000,
        splits,
        (),
        (),
        (),
        {},
        "",
        "",
    )
    profiles = profiles or {"train": profile(), "valid": profile(58.0), "test": profile(61.0)}
    return Found("shards/ludb", dataset, profiles, tuple(anomalies), tuple(comparisons))


def compared(kind="drift", other="shards/up", theirs=None, differs=True, absent=None):
    age = Distance(
        "age", "Jensen-Shannon", 0.31 if differs else 0.02, 0.12, "median 60 here, 40 there"
    )
    peak = Distance("peak_mv", "Jensen-Shannon", 0.01, 0.12, "median 1.9 here, 1.9 there")
    return DatasetComparison(
        kind, other, profile(), theirs or profile(40.0), (age, peak), absent or {}
    )


def write(validation, tmp_path):
    path = validation_page(validation, tmp_path / "check.html")
    assert path == tmp_path / "check.html"
    return Page(path.read_text(encoding="utf-8"))


def test_a_sound_dataset(tmp_path):
    page = write(found(), tmp_path)
    assert "600 recordings in 3 splits are as their schema asks." in page.words
    assert "None was found." in page.words
    assert "The same in every recording: Sampling rate of the recording (Hz): 500" in page.words
    check_self_contained(page)
    check_accessible(page)


def test_what_is_wrong_comes_first_and_is_told_in_words(tmp_path):
    anomaly = Anomaly("test", "deflection_mv V6", "short", "median -0.6: is it inverted?")
    page = write(found([anomaly]), tmp_path)
    assert (
        "Something is wrong: of 600 recordings in 3 splits, net deflection is not as" in page.words
    )
    assert page.words.index("Something is wrong") < page.words.index("Anomalies")
    assert "test Net deflection, V6 median -0.6: is it inverted?" in page.words


def test_both_datasets_are_drawn_with_distances_and_verdicts(tmp_path):
    comparisons = (compared(), compared("skew", "shards/served", differs=False))
    anomalies = [one for comparison in comparisons for one in comparison.anomalies()]
    page = write(found(anomalies, comparisons), tmp_path)
    assert "The training split and shards/up differ in age." in page.words
    assert (
        "What was trained on and what is served (shards/served) are alike in all 2 features"
        in page.words
    )
    assert "Age ◆ differs 0.310 0.120 Jensen-Shannon median 60 here, 40 there" in page.words
    assert "● alike" in page.words
    titles = [attributes["aria-labelledby"] for attributes in page.all("svg")]
    assert len(set(titles)) == len(titles)
    # what differs is open, the rest folded
    drift = page.text[page.text.index('id="drift"') : page.text.index('id="skew"')]
    assert drift.index("Age: median 60 (this training split)") < drift.index("<details>")
    assert drift.index("Net deflection of each lead") > drift.index("<details>")
    check_self_contained(page)
    check_accessible(page)


def test_one_lead_that_differs_opens_the_figure_of_all(tmp_path):
    lead = Distance("deflection_mv V6", "Jensen-Shannon", 0.9, 0.1, "median 0.3 here, -0.3 there")
    one = DatasetComparison("drift", "shards/up", profile(), profile(), (lead,), {})
    page = write(found(one.anomalies(), [one]), tmp_path)
    drift = page.text[page.text.index('id="drift"') : page.text.index('id="splits"')]
    assert drift.index("Net deflection of each lead") < drift.index("<details>")
    assert all(f">{lead}</text>" in drift for lead in LEADS)


def test_the_lead_that_differs_most_stands_for_all(tmp_path):
    leads = tuple(
        Distance(f"deflection_mv {lead}", "Jensen-Shannon", value, 0.1, f"told of {lead}")
        for lead, value in (("I", 0.3), ("aVR", 0.9), ("V6", 0.02))
    )
    one = DatasetComparison("drift", "shards/up", profile(), profile(), leads, {})
    (anomaly,) = one.anomalies()
    assert (anomaly.feature, anomaly.long) == (
        "deflection_mv aVR",
        "told of aVR; Jensen-Shannon 0.900, allowed 0.100; 2 leads differ (drift from shards/up)",
    )
    page = write(found([anomaly], [one]), tmp_path)
    drift = page.text[page.text.index('id="drift"') : page.text.index('id="splits"')]
    opened, _, folded = drift.partition("<summary>The same for every lead</summary>")
    assert "told of aVR" in opened and "told of I" not in opened
    assert all(f"told of {lead}" in folded for lead in LEADS)


def test_leads_that_are_all_the_same_are_told_in_words(tmp_path):
    still = {f"flat {lead}": constant(0.0) for lead in LEADS}
    page = write(found(train=profile(**still), test=profile(**still)), tmp_path)
    assert "Share of time without change: 0" in page.words
    assert "Share of time without change of each lead" not in page.words


def test_what_only_one_has_is_told(tmp_path):
    theirs = profile(age=40.0) | {"age": unknown()}
    one = compared(theirs=theirs, differs=False, absent={"age": "known here, unknown there"})
    page = write(found(one.anomalies(), [one]), tmp_path)
    assert "The training split and shards/up differ in age." in page.words
    assert "Age ◆ differs undefined undefined known here, unknown there" in page.words
    assert "unknown of 10.0 % (this training split), 100.0 % (the other one)" in page.words


def test_shares_of_what_is_not_known(tmp_path):
    page = write(found(train=profile(), serving=profile()), tmp_path)
    assert "Feature train serving" in page.words
    assert "Age 10.0 % 10.0 %" in page.words
    skew = compared("skew", other="shards/received")
    page = write(found(comparisons=[skew], train=profile(), serving=profile()), tmp_path)
    assert "Feature train serving Labels" in page.words, "what is served is told once"
    complete = {name: one for name, one in profile().items() if name not in ("age", "labels")}
    page = write(found(train=complete), tmp_path)
    assert "Everything is known of every recording." in page.words


def test_leads_of_which_as_much_is_not_known_are_one_row(tmp_path):
    hum = {f"mains_mv {lead}": unknown() for lead in LEADS}
    page = write(found(train=profile(**hum)), tmp_path)
    assert page.words.count("Hum of the mains") == 1
    assert "Hum of the mains, each lead 100.0 %" in page.words
    hum["mains_mv V6"] = constant(0.01)
    page = write(found(train=profile(**hum)), tmp_path)
    assert "Hum of the mains, I 100.0 %" in page.words
    assert "Hum of the mains, each lead" not in page.words


def test_unusual_records_are_a_table_with_leads_and_values(tmp_path):
    noted = [
        Noted("r7", "aVF", "einthoven_mv", 0.029, "0.029 mV in aVF, expected at most 0.02 mV"),
        *(Noted(f"x{n}", None, "age", 130.0, "age 130 years") for n in range(210)),
    ]
    page = write(replace(found(), noted=tuple(noted)), tmp_path)
    assert "Unusual records" in page.words
    assert "r7 Distance from Einthoven's identities aVF 0.029 0.029 mV in aVF" in page.words
    assert "x198 Age – 130 age 130 years" in page.words and "x199" not in page.words
    assert "And 11 more, listed in dataset.json." in page.words
    check_accessible(page)
    assert "Unusual records" not in write(found(), tmp_path).words


def test_every_profiled_feature_has_a_name_for_readers():
    assert set(FEATURES) >= {*TEXTS, *NUMBERS, *INTEGERS, *PER_LEAD}


@pytest.mark.parametrize(
    ("name", "title"),
    [("age", "Age (years)"), ("deflection_mv V6", "Net deflection, V6 (mV)"), ("mine", "mine")],
)
def test_titles_of_axes(name, title):
    assert axis_title(name) == title


def test_a_lead_is_named_after_its_feature_and_an_unknown_feature_by_its_key():
    assert feature_title("deflection_mv V6") == "Net deflection, V6"
    assert feature_title("noise_uv") == "noise_uv"


def test_what_is_wrong_is_listed_in_a_sentence():
    anomalies = [Anomaly("test", name, "short", "long") for name in ("age", "sex", "labels")]
    assert (
        "age, sex and labels are not as the schema asks." in verdict_sentences(found(anomalies))[0]
    )


def test_one_recording_is_one():
    single = found()
    splits = {"train": summary(1)}
    dataset = Dataset("a", "b", (), LEADS, 100.0, 10, splits, (), (), (), {}, "", "")
    one = Found("shards/a", dataset, {"train": single.profiles["train"]}, (), ())
    assert verdict_sentences(one) == ("1 recording in 1 split is as its schema asks.",)


def test_values_far_apart_are_drawn_on_a_logarithmic_axis():
    far = numbers_plot({"a": numbers(2.0, 0.1), "b": numbers(2000.0, 100)}, "mV")
    assert far.axes[0].get_xscale() == "log"
    near = numbers_plot({"a": numbers(2.0, 0.1), "b": numbers(3.0, 0.1)}, "mV")
    assert near.axes[0].get_xscale() == "linear"


def test_leads_far_apart_are_drawn_on_a_logarithmic_axis():
    def scale(*sets):
        drawn = {str(index): [one] for index, one in enumerate(sets)}
        return leads_plot(drawn, ("I",), "mV").axes[0].get_yscale()

    assert scale(numbers(2.0, 0.1), numbers(2000.0, 100)) == "log"
    assert scale(numbers(2.0, 0.1), numbers(3.0, 0.1)) == "linear"
    assert scale(numbers(2.0, 0.1), numbers(2000.0, 3000)) == "linear", "some are below zero"
    assert scale(numbers(2.0, 0.1), unknown()) == "linear"


def test_the_shares_of_a_histogram_add_up_to_one():
    figure = numbers_plot({"a": numbers(2.0, 0.1), "b": numbers(5.0, 1.0)}, "mV")
    for patch in figure.axes[0].patches:
        assert np.sum(patch.get_data().values) == pytest.approx(1)


def test_nothing_to_draw(tmp_path):
    page = write(found(train={"age": unknown(), "sex": Texts(5, 5, {})}), tmp_path)
    assert page.all("svg") == []


def test_one_set_without_values_keeps_the_other_ones_style():
    figure = numbers_plot({"a": unknown(), "b": numbers(2.0)}, "mV")
    (label,) = [patch.get_label() for patch in figure.axes[0].patches]
    assert label == "b"


def test_the_most_frequent_values_are_drawn():
    many = Texts(100, 0, {f"label {index}": 100 - index for index in range(40)})
    axes = texts_plot({"a": many, "b": many}).axes[0]
    shown = [text.get_text() for text in axes.get_yticklabels()]
    assert shown == [f"label {index}" for index in range(MOST_VALUES)]


def test_a_lead_shows_the_median_and_nine_tenths():
    axes = leads_plot({"a": [numbers(1.0), numbers(2.0)]}, ("I", "II"), "mV").axes[0]
    assert axes.lines[0].get_ydata().tolist() == [1.0, 2.0]
    low, high = axes.collections[0].get_segments()[0][:, 1]
    assert (low, high) == pytest.approx((1 - 1.645, 1 + 1.645), abs=0.2)
