"""One meaning, one answer: predictions in every form that other frameworks hand out."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from ecg_keras.errors import DataError
from ecg_keras.evaluation import Predictions

TARGETS = np.array([[1, 0], [0, 1], [0, 0], [1, 1]])
PROBABILITIES = np.array([[1.0, 0.25], [0.0, 0.5], [0.125, 0.75], [0.875, 0.0]])
LABELS = ("NORM", "MI ö")
IDS = ("7", "11", "13", "17")


def make(**changes):
    given = {
        "labels": LABELS,
        "record_ids": IDS,
        "patient_ids": IDS,
        "targets": TARGETS,
        "probabilities": PROBABILITIES,
    }
    return Predictions(**(given | changes))


def as_objects(values):
    return np.array(values, dtype=object)


NAMES = [
    list,
    np.array,
    as_objects,
    pd.Series,
    lambda names: pd.Series(names, dtype="category"),
    lambda names: pd.Series(names, dtype="string"),
    lambda names: np.array([name.encode() for name in names]),
    lambda names: as_objects([name.encode() for name in names]),
]
WHOLE = [
    lambda names: [int(name) for name in names],
    lambda names: np.array(names, dtype=">i2"),
    lambda names: as_objects([np.int64(name) for name in names]),
]
LAYOUTS = [
    np.ascontiguousarray,
    np.asfortranarray,
    lambda values: np.repeat(values, 2, axis=0)[::2],
]
TRUTHS = ["bool", "u1", "i8", "f2", ">f8", "O"]
SCORES = ["f2", "f4", "f8", ">f8", "O"]


@given(
    *(st.sampled_from(one) for one in (NAMES, NAMES + WHOLE, NAMES + WHOLE)),
    *(st.sampled_from(one) for one in (TRUTHS, SCORES, LAYOUTS, LAYOUTS)),
    st.booleans(),
)
def test_every_form_of_the_same_numbers_gives_the_same_predictions(
    labels, records, patients, truth, score, layout, other, framed
):
    wrap = pd.DataFrame if framed else np.asarray
    said = make(
        labels=labels(LABELS),
        record_ids=records(IDS),
        patient_ids=patients(IDS),
        targets=wrap(layout(TARGETS.astype(truth))),
        probabilities=wrap(other(PROBABILITIES.astype(score))),
    )
    assert said.labels == LABELS
    assert said.record_ids.tolist() == said.patient_ids.tolist() == list(IDS)
    for found, wanted, kind in (
        (said.targets, TARGETS, np.uint8),
        (said.probabilities, PROBABILITIES, np.float32),
    ):
        assert found.dtype == kind
        assert found.flags.c_contiguous
        np.testing.assert_array_equal(found, wanted)


def test_a_column_is_enough_for_one_label():
    said = make(labels=["MI"], targets=[1, 0, 0, 1], probabilities=np.array([0.5, 0.25, 0, 1]))
    assert said.targets.tolist() == [[1], [0], [0], [1]]
    assert said.probabilities.shape == (4, 1)


@given(st.floats(-1e-6, 0) | st.floats(1, 1 + 1e-6))
def test_what_rounding_put_outside_is_put_back(value):
    said = make(probabilities=np.where(PROBABILITIES == 0.5, value, PROBABILITIES))
    assert said.probabilities[1, 1] == round(value)


@given(st.floats(max_value=-2e-6) | st.floats(min_value=1 + 2e-6) | st.just(np.nan))
def test_no_other_number_is_a_probability(value):
    with pytest.raises(DataError, match=r"probabilities must be in \[0, 1\]\. .* record 11, label"):
        make(probabilities=np.where(PROBABILITIES == 0.5, value, PROBABILITIES))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"targets": TARGETS.T}, r"\(labels, records\): transpose them, as in targets\.T\.$"),
        ({"probabilities": PROBABILITIES.T}, r"transpose them, as in probabilities\.T\.$"),
        ({"targets": [1, 0, 0, 1]}, r"a column for each: np\.eye\(2\)\[targets\]\.$"),
        (
            {"labels": ["MI"], "targets": [1, 0, 0, 1]},
            r"pass the second column: probabilities\[:, 1:\]\.$",
        ),
        (
            {"targets": np.where(TARGETS == 1, np.nan, 0)},
            r"0 or 1\. Received: nan for record 7, label NORM\. What is unknown can't be scored: "
            r"leave out the record, or the label\.$",
        ),
        ({"targets": TARGETS / 2}, r"Received: 0\.5 .* Say first from where on .* >= 0\.5\.$"),
        ({"targets": 2 * TARGETS - 1}, r"Received: -1 .* Say first which values .* == 1\.$"),
        ({"probabilities": 8 * PROBABILITIES - 4}, r"If they are logits, pass 1 / \(1 \+ np\.exp"),
        ({"probabilities": PROBABILITIES * np.nan}, r"find out why the network gave it\.$"),
        ({"probabilities": PROBABILITIES * 1j}, r"must be numbers\. Received: complex128\.$"),
        ({"targets": as_objects(TARGETS.tolist()[:3] + [[None, 1]])}, r"numbers\. .*: object\.$"),
        ({"record_ids": np.arange(4.0)}, r"strings or whole numbers\. Received: float64"),
        ({"patient_ids": ["a", None, "b", "c"]}, r"Received: None at position 1\.$"),
        ({"patient_ids": as_objects([True, 1, 2, 3])}, r"Received: True at position 0\.$"),
        ({"patient_ids": ["a", "b", "", "c"]}, r"must not be empty\. Received: '' at position 2\."),
        ({"labels": [b"\xff", b"MI"]}, r"labels must be text in UTF-8: .* Decode it first\.$"),
        ({"labels": as_objects([b"\xff", b"MI"])}, r"labels must be text in UTF-8"),
    ],
)
def test_what_could_mean_two_things_is_refused_with_what_to_do(changes, message):
    with pytest.raises(DataError, match=message) as caught:
        make(**changes)
    assert "\n" not in str(caught.value)
