import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from ecg_keras.errors import DataError
from ecg_keras.signals import LEADS, SAME_SIGNATURE, resample, signature
from ecg_keras.signals.content import INDEPENDENT

NOTHING = bytes(64)
FIRST = [61, -6, 32, -38, 16, -30, 63, -11]


def make_ecg(seed, seconds=12.0, rate=500):
    """Beats at irregular times, with a height of their own in each lead, and noise."""
    random = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    beats = np.cumsum(random.normal(random.uniform(0.6, 1.1), 0.03, 40))
    course = np.zeros((len(time), 12))
    for width, delay in ((0.012, 0.0), (0.02, 0.035), (0.06, 0.28)):
        wave = np.exp(-0.5 * ((time[:, None] - beats - delay) / width) ** 2).sum(1)
        course += wave[:, None] * random.normal(0, 0.8, 12)
    course += 0.02 * random.standard_normal(course.shape)
    return course.astype(np.float32)


def cosine(one, other):
    a, b = (np.frombuffer(name, np.int8).astype(float) for name in (one, other))
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


ECG = make_ecg(0)
OWN = signature(ECG, LEADS, 500)


@pytest.mark.parametrize("rate", [100, 125, 250, 257, 400, 1000])
def test_a_copy_at_another_rate_has_the_same_signature(rate):
    assert cosine(OWN, signature(resample(ECG, 500, rate), LEADS, rate)) > 0.995


def test_every_fifth_sample_without_a_filter_is_a_copy_still():
    copy = resample(ECG, 500, 100, method="decimate")
    assert cosine(OWN, signature(copy, LEADS, 100)) > 0.98


@settings(max_examples=30, deadline=None)
@given(
    gain=st.floats(1e-3, 1e4).flatmap(lambda gain: st.sampled_from([gain, -gain])),
    offset=st.lists(st.floats(-5, 5), min_size=12, max_size=12),
    step=st.sampled_from([0.0, 0.001, 0.005, 0.02]),
)
def test_gain_polarity_offset_and_rounding_do_not_matter(gain, offset, step):
    copy = np.round(ECG / step) * step if step else ECG
    cosine_of_copy = cosine(OWN, signature(gain * (copy + np.array(offset)), LEADS, 500))
    assert cosine_of_copy * np.sign(gain) > 0.995


def test_a_few_other_samples_do_not_matter():
    copy = ECG.copy()
    copy[2000:2010, :11] += 0.5
    copy[4990:5000] = copy[4990]  # published copies are often held or padded at their end
    assert cosine(OWN, signature(copy, LEADS, 500)) > 0.99


def test_the_first_ten_seconds_decide():
    assert signature(ECG[:5000], LEADS, 500) == OWN
    assert signature(np.vstack([ECG, ECG, ECG]), LEADS, 500) == OWN
    assert abs(cosine(OWN, signature(ECG[1000:], LEADS, 500))) < SAME_SIGNATURE


@pytest.mark.parametrize("fill", [0.0, -1.5])
@pytest.mark.parametrize("seconds", [7.3, 10.0])
@pytest.mark.parametrize("rate", [100, 500])
def test_a_padded_copy_has_the_same_signature(rate, seconds, fill):
    ecg = make_ecg(1, seconds, rate)
    for padding in (0.1, 0.12, 1.4525):
        rows = np.full((round(padding * rate), 12), fill, np.float32)
        for copy in ([rows, ecg, rows], [rows, ecg]):
            other = cosine(signature(ecg, LEADS, rate), signature(np.vstack(copy), LEADS, rate))
            assert other > 0.98
    assert signature(np.vstack([rows, ecg, rows]), LEADS, rate) == signature(ecg, LEADS, rate)


def test_samples_that_were_held_belong_to_a_recording():
    # published recordings begin and end with some, and their copies have them at other rates
    held = ECG[:5000].copy()
    held[:14], held[-60:] = held[14], held[-60]
    assert cosine(OWN, signature(held, LEADS, 500)) > 0.99
    assert cosine(signature(held, LEADS, 500), signature(held[::5], LEADS, 100)) > 0.98


def test_missing_samples_before_and_behind_a_recording_are_padding():
    padded = np.pad(ECG[:4000], ((700, 300), (0, 0)), constant_values=np.nan)
    assert signature(padded, LEADS, 500) == signature(ECG[:4000], LEADS, 500)


def test_padding_alone_makes_no_recording_of_two_seconds():
    short = np.pad(ECG[:900], ((2000, 2000), (0, 0)))
    assert signature(short, LEADS, 500) == NOTHING


def test_other_recordings_have_other_signatures():
    names = np.stack(
        [np.frombuffer(signature(make_ecg(n), LEADS, 500), np.int8) for n in range(80)]
    )
    names = names / np.linalg.norm(names, axis=1)[:, None]
    cosines = np.abs(names @ names.T)[~np.eye(len(names), dtype=bool)]
    assert cosines.max() < 0.85


def test_a_lead_more_or_less_matters_only_where_it_is_independent():
    limbs = [LEADS.index(lead) for lead in INDEPENDENT]
    assert signature(ECG[:, limbs], INDEPENDENT, 500) == OWN
    backwards = signature(ECG[:, ::-1], LEADS[::-1], 500)
    assert cosine(OWN, backwards) > 0.9999
    assert cosine(OWN, signature(ECG, LEADS[::-1], 500)) < SAME_SIGNATURE


@pytest.mark.parametrize("hole", [np.nan, np.inf, -np.inf])
def test_a_lead_that_is_not_finite_counts_as_absent(hole):
    damaged = ECG.copy()
    damaged[700, LEADS.index("V3")] = hole
    damaged[900:905, LEADS.index("V3")] = -hole
    rest = [lead for lead in LEADS if lead != "V3"]
    without = signature(ECG[:, [LEADS.index(lead) for lead in rest]], rest, 500)
    assert cosine(signature(damaged, LEADS, 500), without) > 0.9999


@pytest.mark.parametrize(
    ("values", "leads"),
    [
        (np.zeros((5000, 12), np.float32), LEADS),
        (np.full((5000, 12), 1234.567, np.float32), LEADS),
        (np.full((5000, 12), np.nan, np.float32), LEADS),
        (ECG[:999], LEADS),
        (ECG[:0], LEADS),
        (ECG[:, [2, 3]], ("III", "aVR")),
    ],
)
def test_what_tells_nothing_has_no_signature(values, leads):
    assert signature(values, leads, 500) == NOTHING


def test_the_order_in_memory_and_the_type_do_not_matter():
    assert signature(np.asfortranarray(ECG), LEADS, 500) == OWN
    assert signature(ECG.astype(np.float64), LEADS, 500) == OWN
    assert len(OWN) == 64


def test_columns_without_names_are_refused():
    with pytest.raises(DataError, match=r"one column for each of its 11 leads\. Received: shape"):
        signature(ECG, LEADS[:11], 500)


def test_signatures_can_be_compared_with_those_of_years_ago():
    time = np.arange(1000)[:, None] / 100
    ecg = np.sin(time * np.arange(10, 22) + 3 * np.sin(time * np.arange(12)))
    first = np.frombuffer(signature(ecg, LEADS, 100), np.int8)[:8]
    np.testing.assert_allclose(first, FIRST, atol=1)
