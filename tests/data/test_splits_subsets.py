import random

import pytest
from hypothesis import given, settings, strategies as st

from ecg_keras.data.splits import first_records, nested_subset
from ecg_keras.errors import ConfigError

LABELS = ("AF", "PAC", "SR")


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.text("abc", min_size=1, max_size=5), st.sets(st.sampled_from(LABELS)), min_size=2
    ),
    st.integers(0, 3),
    st.data(),
)
def test_subsets_are_nested_and_independent_of_order(labels, seed, data):
    more = data.draw(st.integers(1, len(labels)))
    fewer = data.draw(st.integers(1, more))
    large = nested_subset(labels, more, seed)
    small = nested_subset(dict(reversed(labels.items())), fewer, seed)
    assert len(large) == more
    assert len(small) == fewer
    assert set(small) <= set(large) <= set(labels)


def test_each_combination_of_labels_has_its_share_of_a_subset():
    labels = {f"r{n:03d}": ("AF",) if n < 50 else ("SR", "PAC") for n in range(500)}
    for seed in range(5):
        subset = nested_subset(labels, 100, seed)
        assert abs(sum(labels[name] == ("AF",) for name in subset) - 10) <= 1
    assert nested_subset(labels, 100, 0) != nested_subset(labels, 100, 1)


def test_a_subset_of_everything_and_of_nothing():
    assert nested_subset({"a": (), "b": ()}, 5, 0) == ("a", "b")
    with pytest.raises(ConfigError, match=r"train_records must be at least 1. Received: 0"):
        nested_subset({"a": ()}, 0, 0)


def test_the_first_records_are_those_of_the_table():
    table = [str(number) for number in range(1, 121)]
    shuffled = random.Random(0).sample(table, len(table))
    assert first_records(shuffled, 11) == tuple(table[:11])
    assert first_records(shuffled, 999) == tuple(table)
    names = [f"a/{prefix}{number:03d}" for prefix in "AB" for number in (9, 10, 100)]
    assert first_records(reversed(names), 4) == tuple(names[:4])
    assert first_records(["x01", "x1", "1", "é2"], 3) == ("1", "x01", "x1")
    with pytest.raises(ConfigError, match=r"train_records must be at least 1. Received: 0"):
        first_records(table, 0)
