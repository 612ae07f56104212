"""What is said of records that are left out, or kept and noted."""

from dataclasses import asdict

import pytest
from hypothesis import given, strategies as st

from ecg_keras.data.outcomes import (
    UNLABELLED,
    LeftOut,
    Noted,
    describe_losses,
    describe_noted,
    too_short,
    with_lengths,
)
from ecg_keras.json_files import parse_as


def read_left_out(entry):
    """As it is read from ``dataset.json``."""
    return with_lengths(parse_as(LeftOut, entry))


def short(*seconds, wanted=10):
    return [
        LeftOut(f"r{n:03d}", too_short(one, wanted), one, wanted) for n, one in enumerate(seconds)
    ]


def test_nothing_is_said_where_nothing_is_lost():
    assert describe_losses([], [], 200) == ()
    assert describe_noted([], 200) == ()


def test_many_short_records_are_one_line_with_the_setting_that_keeps_them():
    (line,) = describe_losses(short(*[7.335] * 150, *[2.5] * 5), [], 200)
    assert line == (
        "155 of 200 records were dropped: shorter than 10 s (2.5 to 7.335 s, median 7.335 s, such "
        "as r072). data.seconds: 7.33 keeps nearly all, and data.short: pad fills them up with "
        "zeros"
    )


def test_entries_of_older_versions_have_their_lengths_in_words():
    kept = short(7.335, 2.5)
    old = [{"record_id": one.record_id, "reason": one.reason} for one in kept]
    assert [read_left_out(one) for one in old] == kept
    assert [read_left_out(asdict(one)) for one in kept] == kept
    other = LeftOut("r1", "no signal in lead V1")
    assert read_left_out({"record_id": "r1", "reason": other.reason}) == other
    with pytest.raises(TypeError, match=r"must be a number\. Received: 'long'"):
        read_left_out({**asdict(other), "seconds": "long"})


def test_a_few_short_records_need_no_advice():
    assert describe_losses(short(9.5), [], 200) == (
        "1 of 200 records was dropped: shorter than 10 s (9.5 s, such as r000)",
    )


def test_recordings_of_next_to_nothing_can_only_be_padded():
    (line,) = describe_losses(short(0.004, 0.004), [], 2)
    assert "data.seconds" not in line
    assert line.endswith("(0.004 s, such as r001). data.short: pad fills them up with zeros")


@pytest.mark.parametrize(
    ("count", "end"),
    [
        (4, "(r0, r1, r2, r3)"),
        (
            8,
            "(r0, r1, r2, r3, r4 and 3 more). data.unlabelled: keep stores them as having none of "
            "the labels",
        ),
    ],
)
def test_records_without_a_label(count, end):
    lost = [LeftOut(f"r{n}", UNLABELLED) for n in range(count)]
    said = f"{count} of 200 records were dropped: no label of the set {end}"
    assert describe_losses(lost, [], 200) == (said,)


def test_records_in_quarantine_are_named_with_their_reasons():
    lost = [LeftOut("r1", "a/r1.edf: truncated."), LeftOut("r2", "no signal in lead V1")]
    assert describe_losses([], lost, 200) == (
        "2 of 200 records were put into quarantine: a/r1.edf: truncated; r2: no signal in lead V1",
    )
    (line,) = describe_losses([], [LeftOut(f"r{n}", "x") for n in range(7)], 200)
    assert line.endswith("r3: x; r4: x and 2 more")


def test_a_source_of_ones_own_may_drop_for_any_reason():
    lost = [*short(3.0), LeftOut("r5", "3 s are shorter"), LeftOut("r6", "3 s are shorter")]
    assert describe_losses(lost, [], 900) == (
        "1 of 900 records was dropped: shorter than 10 s (3 s, such as r000)",
        "2 of 900 records were dropped: 3 s are shorter (r5, r6)",
    )


def test_noted_records_are_grouped_by_figure():
    noted = [Noted(f"r{n}", "V2", "peak_mv", 25.0 + n, "") for n in range(7)]
    noted += [Noted("r1", None, "age", 130.0, "")]
    noted += [Noted("r3", lead, "flat", 0.9, "") for lead in ("V1", "V2")]
    assert describe_noted(noted, 50) == (
        "7 of 50 records kept and noted for peak_mv: r0 (V2, 25), r1 (V2, 26), r2 (V2, 27), "
        "r3 (V2, 28), r4 (V2, 29) and 2 more",
        "1 of 50 records kept and noted for age: r1 (130)",
        "1 of 50 records kept and noted for flat: r3 (V1, 0.9; V2, 0.9)",
    )


@given(st.floats(0, 1e6, allow_subnormal=False), st.floats(1e-3, 1e6), st.integers(1, 10_000))
def test_any_length_is_understood_again(seconds, wanted, records):
    old = read_left_out({"record_id": "r", "reason": too_short(seconds, wanted)})
    (line,) = describe_losses([old], [], records)
    assert f"shorter than {wanted:g} s ({seconds:g} s, such as r)" in line
