"""The graph makes of any recording the windows that the library makes of it in NumPy."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings, strategies as st

from ecg_keras.data import Converted
from ecg_keras.errors import DataError
from ecg_keras.export.as_recorded import UNITS, windows_of
from ecg_keras.export.card import Card
from ecg_keras.export.requests import convert
from ecg_keras.signals import LEADS, find_lead

CARD = Card(("MI",), ("V2", "aVF", "I"), 100.0, 200, None, {}, short="pad", window="centre")
KEPT = ("windows", "reason", "is_lost", "not_finite", "flat", "clipped", "peak_mv")


def compile_for(card: Card):
    def ask(signal, rate, names, unit):
        asked = {"signal": signal, "sampling_rate": rate, "leads": names, "unit": unit}
        found = windows_of(card, tf.constant(7), asked)
        return {name: found[name] for name in KEPT}

    specs = [((None, None), "float32"), ((), "float32"), ((None,), "string"), ((), "string")]
    graph = tf.function(ask, [tf.TensorSpec(*one) for one in specs])

    def call(signal, rate, names=LEADS, unit="mV"):
        values = tf.constant(signal, tf.float32)
        found = graph(values, tf.constant(rate, tf.float32), tf.constant(list(names)), unit)
        return {name: tensor.numpy() for name, tensor in found.items()}

    return call


@pytest.fixture(scope="module")
def graph():
    return compile_for(CARD)


def make_ecg(rate: float, seconds: float, seed: int = 0) -> np.ndarray:
    """(num_samples, 12) in millivolts: a walk, with limb leads that obey the identities."""
    random = np.random.default_rng(seed)
    walk = np.cumsum(random.normal(0, 0.05, (round(rate * seconds), 12)), axis=0)
    walk -= walk.mean(axis=0)
    one, two = walk[:, 0], walk[:, 1]
    walk[:, 2:6] = np.stack([two - one, -(one + two) / 2, one - two / 2, two - one / 2], axis=1)
    return walk.astype(np.float32)


def check_alike(found: dict, expected: list) -> None:
    """The windows that the library keeps, to a step of a shard in one sample of 500."""
    kept = [one for one in expected if isinstance(one, Converted)]
    assert found["is_lost"].tolist() == [not isinstance(one, Converted) for one in expected]
    windows = found["windows"][~found["is_lost"]]
    assert len(windows) == len(kept)
    for one, row, peak in zip(kept, windows, found["peak_mv"][~found["is_lost"]], strict=True):
        away = np.abs(row - one.samples * np.float32(one.scale))
        assert away.max() <= 1.01 * one.scale
        assert (away > 0.01 * one.scale).mean() <= 2e-3
        assert abs(peak - one.quality.peak_mv) <= 1.01 * one.scale


@settings(max_examples=40, deadline=None)  # the first of a process traces the graph
@given(
    rate=st.sampled_from([100, 500, 257, 360, 1000, 50, 250, 128, 499.97, 976.5625, 33.33, 12]),
    seconds=st.floats(0.5, 9),
    seed=st.integers(0, 99),
    order=st.permutations(range(12)),
    left=st.sampled_from([3, 7, 12]),
    unit=st.sampled_from(["mV", "uV", "V"]),
)
def test_any_rate_order_unit_and_length(graph, rate, seconds, seed, order, left, unit):
    # lead I or aVF may have to be derived; without V2, or two limb leads, there is no answer
    names = [LEADS[column] for column in order][:left]
    ecg = make_ecg(rate, seconds, seed)[:, order][:, :left]
    rate = float(np.float32(rate))
    sent = ecg * np.float32(UNITS[unit])
    read = sent / np.float32(UNITS[unit])
    try:
        expected = convert(CARD, read, rate, tuple(names))
    except DataError as error:
        with pytest.raises(tf.errors.InvalidArgumentError, match="recording 7: has no lead "):
            graph(sent, rate, names, unit)
        assert "has no lead" in str(error)
        return
    check_alike(graph(sent, rate, names, unit), expected)


@pytest.mark.parametrize("rate", [100.0, 257.0])
def test_windows_in_which_something_is_lost_are_left_out_as_predict_leaves_them_out(graph, rate):
    ecg = make_ecg(rate, 21)
    at = lambda second: round(second * rate)  # noqa: E731
    ecg[at(2.5), 7] = np.nan  # window 1: a sample of V2
    ecg[at(5) : at(5.1), 9] = np.nan  # none: V4 is not taken
    ecg[at(6) : at(7.5), 0] = ecg[at(6), 0]  # window 3: I shows nothing in most of it
    ecg[at(8.3) : at(9.5)] = 0.0  # window 4: a gap in all leads
    ecg[at(10.5) : at(10.7), 5] = 0.123  # window 5: kept, too short a rest
    ecg[at(12) : at(14), 7] = 1000.0 * np.sin(np.arange(at(14) - at(12)))  # window 6
    ecg[at(14.0) - 1, 0] = np.inf  # its last sample: the next window begins with a filter over it
    found = graph(ecg, rate)
    expected = convert(CARD, ecg, rate, LEADS)
    assert len(expected) == 11
    check_alike(found, expected)
    reasons = [one.decode() for one in found["reason"]]
    assert reasons[1] == "missing or infinite samples in lead V2"
    assert reasons[3] == "no signal in lead I"
    assert reasons[4] == "no signal in any lead for a second or more"
    assert [number for number, one in enumerate(reasons) if one] == [1, 3, 4, 6]
    assert found["not_finite"][1].tolist() == [True, False, False]
    assert found["flat"][3].tolist() == [False, False, True]


def test_a_lead_at_the_end_of_its_scale_is_flagged(graph):
    ecg = make_ecg(250, 2)
    ecg[:, 5] = np.clip(ecg[:, 5], *np.quantile(ecg[:, 5], [0.2, 0.8]))
    assert graph(ecg, 250.0)["clipped"].tolist() == [[False, True, False]]


def test_padding_is_kept_up_to_half_of_it(graph):
    for seconds in (0.7, 1.3):
        ecg = make_ecg(250, 2)
        ecg[: round(250 * seconds)] = 0.0
        expected = convert(CARD, ecg, 250, LEADS)
        if isinstance(expected[0], Converted):
            check_alike(graph(ecg, 250.0), expected)
        else:
            with pytest.raises(tf.errors.InvalidArgumentError, match="for more than half of it"):
                graph(ecg, 250.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rate": 5.0}, "sampling_rate must be 10 to 100,000 Hz. Received: 5"),
        ({"rate": np.nan}, "sampling_rate must be 10 to 100,000 Hz. Received: nan"),
        ({"unit": "mm"}, "unit must be mV, uV or V. Received: mm"),
        (
            {"names": ("X", *LEADS[1:])},
            f"X: no name of a lead. Leads are {', '.join(LEADS)}",
        ),
        ({"names": ("ii", *LEADS[1:])}, "leads has more than once: II"),
        (
            {"names": LEADS[:7], "signal": make_ecg(250, 2)[:, :7]},
            "has no lead V2. The network takes V2, aVF, I; of the limb leads, any two give the "
            "others",
        ),
        (
            {"signal": make_ecg(250, 2) * 1000},
            "none of its windows can be used, the first one for: the largest sample is ",
        ),
        (
            {"signal": np.full((500, 12), np.nan)},
            "the first one for: missing or infinite samples in lead V2, aVF, I",
        ),
        ({"signal": np.zeros((500, 12))}, "the first one for: no signal in lead V2, aVF, I"),
        ({"signal": np.zeros((0, 12))}, "is too short: 0.00 s, and the network takes 2 s"),
    ],
)
def test_a_wrong_recording_is_named(graph, change, message):
    asked = {"signal": make_ecg(250, 2), "rate": 250.0, **change}
    with pytest.raises(tf.errors.InvalidArgumentError) as error:
        graph(**asked)
    assert "recording 7: " in error.value.message
    assert message in error.value.message


def test_a_small_request_makes_no_large_one():
    graph = compile_for(replace(CARD, sampling_rate=500.0, num_samples=1000))
    refused = r"sampling_rate must be 50 to 100,000 Hz\. Received: 49\.9"
    with pytest.raises(tf.errors.InvalidArgumentError, match=refused):
        graph(make_ecg(49.9, 4), 49.9)
    assert graph(make_ecg(50, 4), 50.0)["windows"].shape == (2, 1000, 3)


def test_a_network_of_decimated_ecgs_takes_every_nth_sample_and_no_short_ones():
    card = replace(CARD, resample="decimate", short="drop", window="start", verify="off")
    graph = compile_for(card)
    ecg = make_ecg(500, 5)
    check_alike(graph(ecg, 500.0), convert(card, ecg, 500, LEADS))
    large = ecg * 1000  # verify is off
    check_alike(graph(large, 500.0), convert(card, large, 500, LEADS))
    with pytest.raises(tf.errors.InvalidArgumentError, match="whole multiple of 100 Hz"):
        graph(ecg, 257.0)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"too short: 1\.90 s"):
        graph(ecg[:950], 500.0)


@pytest.mark.parametrize(
    "spell", [str.lower, str.upper, "MDC_ECG_LEAD_{}".format, "Lead {}".format, " {} ".format]
)
def test_leads_are_spelled_as_the_library_reads_them(graph, spell):
    names = [spell(lead) for lead in LEADS]
    assert [find_lead(name) for name in names] == list(LEADS)
    ecg = make_ecg(250, 2)
    np.testing.assert_array_equal(graph(ecg, 250.0, names)["windows"], graph(ecg, 250.0)["windows"])
