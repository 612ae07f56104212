"""The script that puts a server under load finds what it looks for."""

from types import SimpleNamespace

import numpy as np
import pytest

from ecg_keras.export import Card

EXPECTED = np.array([[0.2, 0.8]])


@pytest.fixture
def client(script, monkeypatch):
    monkeypatch.setattr(script.time, "sleep", lambda seconds: None)
    card = Card(("A", "B"), ("I", "aVR"), 100.0, 1000, None, {})
    return script.Client(SimpleNamespace(ports=[1, 2]), card, by_grpc=True)


@pytest.mark.parametrize(
    ("answers", "counted"),
    [
        ([EXPECTED], {"right": 1}),
        ([None, None, EXPECTED], {"away": 2, "right": 1}),
        ([EXPECTED + 1e-4], {"WRONG": 1}),
        ([EXPECTED * np.nan], {"WRONG": 1}),
        ([EXPECTED[:, :1]], {"WRONG": 1}),
        (["not finite"], {"GOOD ONE REFUSED": 1}),
    ],
)
def test_a_wrong_answer_is_counted_as_such(client, monkeypatch, answers, counted):
    left = iter(answers)
    monkeypatch.setattr(client, "ask", lambda signal: next(left))
    client.ask_good(np.zeros((1, 1000, 2)), EXPECTED)
    assert client.counts == counted
    assert len(client.seconds) == counted.get("right", 0)


def test_a_bad_request_that_is_answered_is_counted_as_such(client, monkeypatch):
    left = iter([None, "refused", EXPECTED])
    monkeypatch.setattr(client, "ask", lambda signal: next(left))
    client.ask_bad(np.zeros((1, 1000, 2)))
    assert client.counts == {"away": 1, "refused": 1, "BAD ONE ANSWERED": 1}


def test_the_ecgs_are_those_that_the_card_asks_for(script, client):
    signals = script.make_signals(client.card, 3)
    assert signals.shape == (3, 1000, 2) and signals.dtype == np.float32
    assert len({one.tobytes() for one in signals}) == 3
