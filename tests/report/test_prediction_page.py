"""The page of answers: what it draws, lists and leaves out."""

import os
import re

import numpy as np
import pytest

from ecg_keras.attribution import CAUTION, Explained, Explanation
from ecg_keras.prediction import Answer, Answers
from ecg_keras.records import Signal
from ecg_keras.report import prediction_page
from ecg_keras.report.prediction_page import MOST_ROWS
from ecg_keras.signals import LEADS
from ecg_keras.text import percent


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


def test_a_long_ecg_says_that_its_beginning_is_drawn(tmp_path, signal):
    long = Signal(np.tile(signal.values, (6, 1)), 100, LEADS)
    answers = Answers(("MI",), None, "mean", "m", rows=(answer("a", 0.5),), shown={"a": long})
    page = write(tmp_path, answers)
    assert "Nothing unusual was found in it. Drawn are the first 10 of 30 s." in page
    assert "ECG of record a, 25 mm/s, 10 mm/mV; drawn are the first 10 of 30 s</title>" in page


def test_a_name_that_is_no_utf8_is_spelled_out(tmp_path, signal):
    name = os.fsdecode(b"M\xfcller.csv")
    answers = Answers(("MI",), None, "mean", "m", rows=(answer(name, 0.5),), shown={name: signal})
    assert "M\\udcfcller.csv" in write(tmp_path, answers)


def test_what_drove_an_answer_is_marked(tmp_path, signal):
    values = np.zeros((500, 12), np.float32)
    values[100:120, 7], values[300:310, 6] = 1, 2
    found = Explanation("MI", values, values, "integrated_gradients", 0.2, LEADS, 0.01)
    one = Answer("a.csv", "a.csv", values=np.array([0.75], np.float32), windows=3, lost=1)
    answers = Answers(("MI",), None, "mean", "m", rows=(one,), shown={"a.csv": signal})
    path = prediction_page(
        answers, tmp_path / "a.html", explained={"a.csv": Explained(one, signal, 2, found)}
    )
    page = re.sub(r"\s+", " ", path.read_text())
    assert "Window 2 of 4." in page and CAUTION.replace("'", "&#39;") in page
    assert (
        "Marked: what speaks for and against MI, by integrated gradients; of what speaks for it, "
        f"{percent(0.5)} is in V1, {percent(0.5)} is in V2. The marks do not add up to the answer: "
        f"they are off by {percent(0.2)}."
    ) in page
    assert "var(--orange)" in page and "all leads" in page
    assert "The first usable of 4 windows." in write(tmp_path, answers)


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
