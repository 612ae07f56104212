"""The card beside a SavedModel: what it refuses, and that it reads back as it was written."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from ecg_keras.errors import ConfigError, DataError
from ecg_keras.evaluation import Estimate, LabelSet, LabelSets
from ecg_keras.export.card import Card, parse_card, read_card, write_card

CARD = Card(
    labels=("MI", "NORM"),
    leads=("I", "II"),
    sampling_rate=100.0,
    num_samples=1000,
    thresholds={"MI": 0.25, "NORM": 0.5},
    versions={"keras": "3"},
)
names = st.lists(
    st.text(st.characters(exclude_categories=("C", "Z")), min_size=1), min_size=1, unique=True
)


@given(labels=names, leads=names, rate=st.floats(1, 1e4), chosen=st.booleans())
def test_a_card_reads_back_as_it_was_written(tmp_path_factory, labels, leads, rate, chosen):
    folder = tmp_path_factory.mktemp("card")
    thresholds = dict.fromkeys(labels, 0.1) if chosen else None
    card = Card(tuple(labels), tuple(leads), rate, 1000, thresholds, {"keras": "3"})
    write_card(folder / "assets", card)
    assert read_card(folder) == card
    lines = (folder / "assets" / "labels.txt").read_text(encoding="utf-8").split("\n")
    assert lines == [*labels, ""]


def test_the_json_names_units_and_tensors(tmp_path):
    write_card(tmp_path / "assets", CARD)
    assert json.loads((tmp_path / "assets" / "card.json").read_text()) == {
        "labels": ["MI", "NORM"],
        "leads": ["I", "II"],
        "sampling_rate": 100.0,
        "num_samples": 1000,
        "thresholds": {"MI": 0.25, "NORM": 0.5},
        "versions": {"keras": "3"},
        "calibration": "none",
        "units": "mV",
        "input": "signal",
        "output": "probabilities",
        "resample": "polyphase",
        "window": "start",
        "short": "drop",
        "verify": "refuse",
        "signatures": {},
        "format": "saved_model",
        "precision": "float32",
        "loss": None,
        "sets": None,
        "network_id": "",
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": ()}, "labels must hold at least one name. Received: none."),
        ({"labels": ("MI", " ")}, "labels must be names of one line. Received: ' '."),
        ({"labels": ("MI", "A\nB")}, "labels must be names of one line. Received: 'A\\nB'."),
        ({"leads": ("I", "I")}, "leads must differ from each other. Received: I, I."),
        ({"sampling_rate": 0.0}, "sampling_rate must be above 0 Hz. Received: 0.0."),
        ({"sampling_rate": float("nan")}, "sampling_rate must be above 0 Hz. Received: nan."),
        (
            {"thresholds": {"MI": 0.5}},
            "thresholds must name each label once: MI, NORM. Received: MI.",
        ),
        (
            {"thresholds": {"MI": 0.5, "NORM": 1.5}},
            "the threshold of NORM must be between 0 and 1. Received: 1.5.",
        ),
        (
            {"thresholds": {"MI": float("nan"), "NORM": 0.5}},
            "the threshold of MI must be between 0 and 1. Received: nan.",
        ),
    ],
)
def test_a_wrong_entry_is_refused(change, message):
    with pytest.raises(ConfigError) as error:
        replace(CARD, **change)
    assert str(error.value) == message


def test_sets_read_back_as_they_were_written(tmp_path):
    limits = LabelSet(0.6, 0.2, 40, 60, Estimate(0.9, float("nan"), float("nan")), None, 0.8)
    sets = LabelSets(0.9, "class", {"MI": limits, "NORM": LabelSet(None, None, 3, 97)})
    write_card(tmp_path / "assets", replace(CARD, sets=sets))
    assert "NaN" not in (tmp_path / "assets" / "card.json").read_text()
    found = read_card(tmp_path).sets
    assert found.find([[0.1, 0.5], [0.4, 0.5]]) == [("absent", ""), ("either", "")]
    assert (found.limits, found.notes) == (sets.limits, sets.notes)
    with pytest.raises(ConfigError, match=r"in their order: MI, NORM\. Received: NORM, MI\."):
        replace(CARD, sets=replace(sets, labels=dict(reversed(sets.labels.items()))))


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ("num_samples", "1000"),
        ("num_samples", 0),
        ("num_samples", 1e15),
        ("units", "uV"),
        ("input", None),
        ("calibration", 1),
        ("short", "stretch"),
        ("verify", ["off"]),
        ("sampling_rate", float("inf")),
        ("versions", {"keras": float("nan")}),
        ("sets", {"level": 0.9, "by": "class", "labels": {}}),
        ("sets", {"level": 0.9}),
    ],
)
def test_a_card_of_a_server_that_can_not_be_is_one_line(entry, value):
    text = json.dumps({**CARD.to_json(), entry: value})
    with pytest.raises(DataError, match=r"^http://h: not the card of ") as error:
        parse_card(text, "http://h")
    assert "\n" not in str(error.value)


def test_a_missing_card_says_where_to_look(tmp_path):
    with pytest.raises(DataError, match=r"card\.json: not found\. Point to a folder"):
        read_card(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"labels": ["A"], "leads": ["I"]}'])
def test_a_foreign_card_is_named(tmp_path: Path, text):
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "card.json").write_text(text)
    with pytest.raises(DataError, match=r"card\.json: not the card of an exported network: "):
        read_card(tmp_path)
