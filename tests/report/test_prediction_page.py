"""The page of answers: what it draws, lists and leaves out."""

import re

import numpy as np
import pytest

from ecg_keras.prediction import Answer, Answers
from ecg_keras.records import Signal
from ecg_keras.report import prediction_page
from ecg_keras.report.prediction_page import MOST_ROWS
from ecg_keras.signals import LEADS


def answer(name, *values, **facts):
    return Answer(name, name, values=np.array(values, np.float32), windows=1, **facts)


def write(tmp_path, answers):
    path = prediction_page(answers, tmp_path / "a.html")
    return re.sub(r"\s+", " ", path.read_text())


@pytest.fixture
def signal():
    return Signal(np.random.default_rng(0).normal(size=(500, 12)).astype(np.float32), 100, LEADS)


def test_a_page_draws_what_is_shown_and_lists_the_rest(tmp_path, signal):
    rows = (
        answer("a<b>.csv", 0.25, 0.75, flags=("largest sample 25 mV",)),
        answer("c.csv", 0.5, 0.125),
        Answer("d.csv", "d.csv", status="unreadable", reason="gone"),
        Answer("e.csv", "e.csv", status="abstained", reason="the electrodes are exchanged"),
    )
    answers = Answers(
        ("MI", "NORM"), {"MI": 0.5, "NORM": 0.5}, "mean", "runs/mine", "platt", "validation", rows,
        {"a<b>.csv": signal},
    )  # fmt: skip
    page = write(tmp_path, answers)
    assert "4 recordings: 2 answered, 1 abstained, 1 unreadable." in page
    assert page.count("<svg") == 1 and "a&lt;b&gt;.csv" in page and "a<b>" not in page
    assert "Unusual: largest sample 25 mV." in page
    assert "Drawn: 1 of 2 answered recordings, the first." in page
    assert "the electrodes are exchanged" in page
    rows = re.findall(r"<th scope=\"row\"[^>]*>(MI|NORM)</th>(.*?)</tr>", page)
    assert [re.findall(r">([^<]+)</td>", cells) for _, cells in rows] == [
        ["0.250", "0.500", "absent"],
        ["0.750", "0.500", "present"],
    ]
    assert "platt, fitted on the validation split" in page
    assert "<script" not in page and "http" not in re.sub(r"http://www\.w3\.org\S*", "", page)


def test_nothing_is_decided_without_thresholds(tmp_path):
    answers = Answers(("MI",), None, "maximum", "m.keras", rows=(answer("a.csv", 0.25),))
    page = write(tmp_path, answers)
    assert "nothing is decided" in page and "present" not in page
    assert "the largest probability of its windows" in page


def test_a_page_of_very_many_answers_stays_small(tmp_path):
    rows = tuple(answer(f"{number}.csv", 0.25) for number in range(MOST_ROWS + 5))
    page = write(tmp_path, Answers(("MI",), None, "mean", "m", rows=rows))
    assert f"The first {MOST_ROWS} of {MOST_ROWS + 5}" in page
    assert f"{MOST_ROWS - 1}.csv" in page and f"{MOST_ROWS}.csv" not in page


def test_of_many_labels_the_most_probable_are_shown(tmp_path, signal):
    labels = tuple(f"L{number}" for number in range(30))
    one = answer("a.csv", *np.linspace(0, 1, 30))
    page = write(tmp_path, Answers(labels, None, "mean", "m", rows=(one,), shown={"a.csv": signal}))
    assert ">L29<" in page and ">L2<" not in page
    assert "The other 18 labels have smaller probabilities." in page
