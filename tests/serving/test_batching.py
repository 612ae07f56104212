"""Batches: what is merged, and that nobody suffers from a neighbour."""

import threading
import time
from concurrent.futures import CancelledError, wait

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from small_servers import make_signature

from ecg_keras.serving.batching import Batcher
from ecg_keras.serving.served import RefusedError


class Door:
    """A function that waits until it may answer, and notes what it was asked."""

    def __init__(self):
        self.open, self.begun, self.sizes = threading.Event(), threading.Event(), []

    def __call__(self, x):
        self.begun.set()
        self.open.wait(10)
        self.sizes.append(len(x))
        if np.isnan(x).any():
            raise RefusedError("not finite")
        return 10 * x


def rows(*numbers):
    return {"x": np.array(numbers, np.float32)[:, None]}


@pytest.fixture
def door():
    return Door()


@pytest.fixture
def batcher():
    made = Batcher(most_rows=4, delay=0)
    yield made
    made.close()


def test_what_waits_while_another_is_computed_is_merged_up_to_the_size(door, batcher):
    signature = make_signature(door)
    first = batcher.submit(signature, rows(1))
    assert door.begun.wait(10)
    others = [batcher.submit(signature, rows(*numbers)) for numbers in ((2,), (3, 4), (5, 6), (7,))]
    door.open.set()
    wait([first, *others], timeout=10)
    # the last fits beside the first two, so (5, 6) waits
    assert door.sizes == [1, 4, 2]
    assert [one.result()["y"].ravel().tolist() for one in (first, *others)] == [
        [10], [20], [30, 40], [50, 60], [70],
    ]  # fmt: skip


def test_one_that_is_refused_is_refused_alone(door, batcher):
    signature = make_signature(door)
    first = batcher.submit(signature, rows(1))
    assert door.begun.wait(10)
    good, bad, other = (batcher.submit(signature, rows(one)) for one in (2, np.nan, 3))
    door.open.set()
    assert good.result(10)["y"].tolist() == [[20]]
    assert other.result(10)["y"].tolist() == [[30]]
    with pytest.raises(RefusedError, match="not finite"):
        bad.result(10)
    assert first.result()["y"].tolist() == [[10]]
    assert door.sizes == [1, 3, 1, 1, 1]


def test_a_request_of_more_rows_than_a_batch_is_asked_in_parts(door, batcher):
    door.open.set()
    found = batcher.submit(make_signature(door), rows(*range(10))).result(10)
    assert found["y"].ravel().tolist() == [10 * one for one in range(10)]
    assert door.sizes == [4, 4, 2]


def test_what_has_no_rows_is_never_merged(door, batcher):
    signature = make_signature(door, rows=False)
    asked = [batcher.submit(signature, {"x": np.float32([one])}) for one in (1, 2, 3)]
    door.open.set()
    assert [one.result(10)["y"].tolist() for one in asked] == [[10], [20], [30]]
    assert door.sizes == [1, 1, 1]


def test_what_can_not_be_merged_keeps_no_batch_waiting(door, batcher):
    long = batcher.submit(make_signature(door, rows=False), {"x": np.float32([1])})
    assert batcher.submit(make_signature(lambda x: x), rows(2)).result(10)["y"].tolist() == [[2]]
    assert not long.done()
    door.open.set()
    assert long.result(10)["y"].tolist() == [10]


def test_recordings_of_any_length_are_merged_and_keep_no_batch_waiting(door, batcher):
    signature = make_signature(door, shape=(None, None, 2))

    def recordings(*numbers, length):
        return {"x": np.full((len(numbers), length, 2), np.float32(numbers)[:, None, None])}

    first = batcher.submit(signature, recordings(1, length=900))
    assert door.begun.wait(10)
    others = [
        batcher.submit(signature, recordings(*numbers, length=length))
        for numbers, length in (((2,), 5), ((3,), 7), ((4, 5), 5))
    ]
    assert batcher.submit(make_signature(lambda x: x), rows(2)).result(10)["y"].tolist() == [[2]]
    assert not any(one.done() for one in (first, *others))
    door.open.set()
    found = [one.result(10)["y"][:, 0, 0].tolist() for one in (first, *others)]
    assert found == [[10], [20], [30], [40, 50]]
    assert door.sizes == [1, 3, 1]


def test_a_delay_waits_for_others_and_no_longer_than_it_says(door):
    door.open.set()
    batcher = Batcher(most_rows=3, delay=0.3)
    signature = make_signature(door)
    start = time.monotonic()
    asked = [batcher.submit(signature, rows(one)) for one in (1, 2)]
    wait(asked, timeout=10)
    assert 0.25 < time.monotonic() - start < 5
    full = [batcher.submit(signature, rows(one)) for one in (1, 2, 3)]
    wait(full, timeout=10)
    batcher.close()
    assert door.sizes == [2, 3]


def test_a_request_that_nobody_waits_for_is_not_computed(door, batcher):
    signature = make_signature(door)
    batcher.submit(signature, rows(1))
    assert door.begun.wait(10)
    left = batcher.submit(signature, rows(2))
    assert left.cancel()
    door.open.set()
    assert batcher.submit(signature, rows(3)).result(10)["y"].tolist() == [[30]]
    assert door.sizes == [1, 1]
    with pytest.raises(CancelledError):
        left.result()


def test_a_bug_in_the_graph_ends_its_request_and_not_the_server(batcher):
    def broken(x):
        if x[0, 0] == 1:
            raise RuntimeError("bug")
        return x

    signature = make_signature(broken)
    with pytest.raises(RuntimeError, match="bug"):
        batcher.submit(signature, rows(1)).result(10)
    assert batcher.submit(signature, rows(2)).result(10)["y"].tolist() == [[2]]


def test_a_bug_for_one_request_does_not_end_its_neighbours(door, batcher):
    def broken(x):
        door(x)
        if (x == 2).any():
            raise RuntimeError("bug")
        return x

    signature = make_signature(broken)
    first = batcher.submit(signature, rows(1))
    assert door.begun.wait(10)
    good, bad = (batcher.submit(signature, rows(one)) for one in (3, 2))
    door.open.set()
    assert good.result(10)["y"].tolist() == [[3]] and first.result(10)["y"].tolist() == [[1]]
    with pytest.raises(RuntimeError, match="bug"):
        bad.result(10)


def test_a_request_that_is_asked_in_parts_says_in_which_it_is_wrong(door, batcher):
    door.open.set()
    with pytest.raises(RefusedError, match=r"asked in parts, in that from 4 on.*: not finite"):
        batcher.submit(make_signature(door), rows(1, 2, 3, 4, 5, np.nan)).result(10)


def test_a_closed_one_answers_what_it_has_and_refuses_more(door):
    batcher = Batcher(most_rows=2, delay=60)
    signature = make_signature(door)
    door.open.set()
    asked = [batcher.submit(signature, rows(one)) for one in (1, 2, 3)]
    batcher.close(10)
    assert [one.result(0)["y"].tolist() for one in asked] == [[[10]], [[20]], [[30]]]
    with pytest.raises(RefusedError, match="shutting down"):
        batcher.submit(signature, rows(1))


def test_what_is_not_answered_at_the_end_is_refused(door):
    batcher = Batcher(most_rows=1, delay=0)
    signature = make_signature(door)
    asked = [batcher.submit(signature, rows(one)) for one in (1, 2, 3)]
    asked[2].cancel()
    start = time.monotonic()
    batcher.close(0.2)
    assert 0.2 < time.monotonic() - start < 5
    for one in asked[:2]:  # of which the first is being computed
        with pytest.raises(RefusedError, match="shutting down") as error:
            one.result(0)
        assert error.value.code == "UNAVAILABLE"
    door.open.set()
    batcher.close(10)
    assert door.sizes == [1]


@settings(max_examples=30)
@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=12),
    st.integers(1, 5),
    st.sets(st.integers(0, 11)),
)
def test_every_request_gets_its_own_rows(sizes, most_rows, bad):
    def answer(x):
        if (x < 0).any():
            raise RefusedError("bad")
        return 2 * x

    signature = make_signature(answer)
    batcher = Batcher(most_rows, delay=0)
    asked = []
    for number, size in enumerate(sizes):
        values = np.arange(size, dtype=np.float32)[:, None] + 100 * number
        inputs = {"x": -1 - values if number in bad else values}
        asked.append((inputs["x"], batcher.submit(signature, inputs)))
    batcher.close(10)
    for number, (values, future) in enumerate(asked):
        if number in bad:
            assert isinstance(future.exception(0), RefusedError)
        else:
            np.testing.assert_array_equal(future.result(0)["y"], 2 * values)
