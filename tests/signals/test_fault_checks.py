"""Planted faults of leads, units and rates are found, named and repaired; good databases pass."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from ecg_keras.records import Signal
from ecg_keras.signals import LEADS, Repair, find_fault, verify
from ecg_keras.signals.limb_leads import SYMMETRIES
from ecg_keras.simulate import HOSPITALS, record_ecg
from ecg_keras.sources import find_source

CODE_TEST = [0, 1, 2, 4, 5, 3, 6, 7, 8, 9, 10, 11]


@pytest.fixture(scope="module")
def good():
    ecgs = (record_ecg("riverside", index) for index in range(20))
    return [Signal(ecg.values, float(ecg.sampling_rate), LEADS) for ecg in ecgs]


def change(recordings, order=range(12), sign=1.0, rate=1.0):
    """The same columns, factors and rate for all recordings."""
    sign = np.asarray(sign, dtype=np.float32)
    return [
        Signal(one.values[:, list(order)] * sign, one.sampling_rate * rate, one.leads)
        for one in recordings
    ]


def flip(*leads):
    return [-1 if lead in leads else 1 for lead in LEADS]


def mended(repair, recordings, planted):
    """Whether the repair leads from what was planted back to what was there."""
    for right, wrong in zip(recordings, planted, strict=True):
        values, rate, leads = repair.apply(wrong.values, wrong.sampling_rate, wrong.leads)
        assert rate == pytest.approx(right.sampling_rate)
        back = values[:, [leads.index(lead) for lead in right.leads]]
        np.testing.assert_allclose(back, right.values, atol=0.003)


@pytest.mark.parametrize("hospital", HOSPITALS)
@pytest.mark.parametrize("count", [3, 12])
def test_simulated_hospitals_are_good(hospital, count):
    ecgs = (record_ecg(hospital, index) for index in range(100, 100 + count))
    result = verify([Signal(ecg.values, float(ecg.sampling_rate), LEADS) for ecg in ecgs])
    assert result.findings == ()
    assert result.records == count
    assert result.identities
    assert result.repair == Repair()


@pytest.mark.parametrize(("words", "placement"), list(SYMMETRIES.items())[1:])
def test_exchanged_electrodes_are_named_and_mended(good, words, placement):
    # what is exchanged in a circle is mended in the other direction, so words are not compared
    planted = change(good, (*placement.columns, *range(6, 12)), (*placement.signs, *[1] * 6))
    result = verify(planted)
    (finding,) = result.findings
    if "circle" not in words:
        assert finding.what == words
    assert "of 20 recordings" in finding.evidence
    mended(result.repair, good, planted)


@pytest.mark.parametrize(
    ("order", "sign", "what"),
    [
        (CODE_TEST, 1, "aVL, aVF, aVR are in the columns aVR, aVL, aVF"),
        ([1, 0, *range(2, 12)], 1, "II, I are in the columns I, II"),
        (range(12), flip("I"), "lead I is inverted"),
        (range(12), flip("aVF"), "lead aVF is inverted"),
        (range(12), flip(*LEADS), "all leads are inverted"),
        (range(12), flip(*LEADS[6:]), "all chest leads are inverted"),
        (range(12), flip("V3"), "lead V3 is inverted"),
        (
            [*range(6), *range(11, 5, -1)],
            1,
            "V6, V5, V4, V3, V2, V1 are in the columns V1, V2, V3, V4, V5, V6",
        ),
        ([*range(8), 9, 8, 10, 11], 1, "V4, V3 are in the columns V3, V4"),
        ([*range(6, 12), *range(6)], 1, f"{', '.join(LEADS[6:] + LEADS[:6])} are in the columns"),
    ],
)
def test_columns_that_hold_something_else_are_named_and_mended(good, order, sign, what):
    planted = change(good, order, sign)
    result = verify(planted)
    (finding,) = result.findings
    assert finding.what.startswith(what)
    mended(result.repair, good, planted)


@pytest.mark.parametrize(
    ("factor", "what"),
    [
        (1000, "microvolts are taken for millivolts"),
        (0.001, "volts are taken for millivolts"),
        (10, "times as large as ECGs are"),
        (0.1, "times as large as ECGs are"),
    ],
)
def test_wrong_units_and_gains(good, factor, what):
    planted = change(good, sign=factor)
    result = verify(planted)
    (finding,) = result.findings
    assert what in finding.what
    assert result.repair.factor == pytest.approx(1 / factor)


def test_a_gain_that_no_power_of_ten_explains_is_not_guessed(good):
    result = verify(change(good, sign=200))
    assert len(result.findings) == 1
    assert result.repair is None


@pytest.mark.parametrize("rate", [10.0, 5.0, 2.0, 0.5, 0.2, 0.1])
def test_wrong_rates(good, rate):
    result = verify(change(good, rate=rate))
    (finding,) = result.findings
    assert finding.what.startswith("the sampling rate is wrong: ")
    assert "times a minute" in finding.evidence
    assert result.repair == Repair(rate_factor=1 / rate)


def test_a_lead_with_a_gain_of_its_own(good):
    planted = change(good, sign=np.where(np.arange(12) == 4, 2.0, 1.0))
    result = verify(planted)
    (finding,) = result.findings
    assert finding.what == "limb leads have gains of their own: aVL 2 times"
    assert result.identities
    mended(result.repair, good, planted)


@pytest.mark.parametrize(
    ("wrong", "gain"), [(["V3"], 8.0), (["V1"], 1000.0), (["V6"], 0.1), (LEADS[6:], 10.0)]
)
def test_chest_leads_with_gains_of_their_own_are_named(good, wrong, gain):
    planted = change(good, sign=[gain if lead in wrong else 1.0 for lead in LEADS])
    result = verify(planted)
    (finding,) = (one for one in result.findings if one.what.startswith("chest leads"))
    assert [part.split()[0] for part in finding.what.partition(": ")[2].split(", ")] == [*wrong]
    assert result.repair is None


def test_figures_have_no_exponent(good):
    (unit,) = verify(change(good, sign=1000)).findings
    (rate,) = verify(change(good, rate=0.1)).findings
    assert not [one for one in (unit, rate) if "e+" in one.what + one.evidence]


def test_leads_that_were_scaled_one_by_one_have_lost_their_amplitudes(good):
    spans = [Signal(one.values / np.ptp(one.values, axis=0), 500.0, LEADS) for one in good]
    (finding,) = verify(spans).findings
    assert finding.what.endswith("each lead of each recording has the same span")
    assert finding.repair is None
    # with a rounding that hides it
    noisy = [
        Signal(one.values * (1 + 0.01 * n % 0.05), 500.0, LEADS) for n, one in enumerate(spans)
    ]
    (finding,) = verify(noisy).findings
    assert finding.what.startswith("each lead of each recording was scaled on its own")


@pytest.mark.parametrize(
    ("scale", "words"),
    [
        (lambda v: (v - v.mean(0)) / v.std(0), "each lead of each recording has the same standard"),
        (lambda v: 2 * (v - v.min(0)) / np.ptp(v, axis=0) - 1, "same largest and smallest value"),
        (lambda v: v / v.std(), "each recording has the same standard deviation"),
        (lambda v: v / np.abs(v).max(), "each recording has the same largest value"),
    ],
)
def test_normalised_signals_are_recognised(good, scale, words):
    findings = verify([Signal(scale(one.values), 500.0, LEADS) for one in good]).findings
    assert len(findings) == 1
    assert words in findings[0].what
    assert findings[0].repair is None


def test_several_faults_at_once(good):
    planted = change(good, CODE_TEST, np.full(12, 1000.0), rate=5.0)
    result = verify(planted)
    assert len(result.findings) == 3
    assert result.repair.factor == 0.001
    assert result.repair.rate_factor == 0.2
    assert dict(result.repair.leads) == {"aVR": "aVL", "aVL": "aVF", "aVF": "aVR"}
    assert result.repair.sentences() == (
        "the columns aVR, aVL, aVF are read as aVL, aVF, aVR",
        "all samples are multiplied by 0.001",
        "the sampling rate is multiplied by 0.2",
    )


def test_two_orders_in_one_database_are_told_but_not_mended(good):
    result = verify(good[:13] + change(good[13:], CODE_TEST))
    (finding,) = result.findings
    assert finding.what == "the limb leads are not stored in the same order in all recordings"
    assert finding.evidence == "by the identities: 13, 7 of 20 recordings"
    assert result.repair is None
    assert not result.identities


def test_one_patient_with_exchanged_electrodes_is_no_fault_of_the_database(good):
    arms = SYMMETRIES["the electrodes of the two arms are exchanged"]
    two = change(good[:2], (*arms.columns, *range(6, 12)), (*arms.signs, *[1] * 6))
    assert verify(two + good[2:]).findings == ()


def test_leads_that_do_not_fit_together(good):
    rolled = [
        Signal(
            np.stack([np.roll(one.values[:, k], 97 * k) for k in range(12)], axis=1), 500.0, LEADS
        )
        for one in good
    ]
    result = verify(rolled)
    assert result.findings[0].what == "the limb leads do not fit together in any order"
    assert result.repair is None


def test_leads_that_die_before_the_end_and_short_recordings_do_no_harm(good):
    dying = [Signal(one.values.copy(), 500.0, LEADS) for one in good]
    for one in dying:
        one.values[50:, 8] = 0
    assert verify(dying).identities
    for length in (1, 2, 10, 100, 700):
        assert verify([Signal(one.values[:length], 500.0, LEADS) for one in good]).records >= 0


@given(st.integers(0, 10_000), st.sampled_from([5, 60, 400]), st.integers(1, 12))
@settings(max_examples=30, deadline=None)
def test_anything_at_all_is_answered(seed, samples, leads):
    random = np.random.default_rng(seed)
    recordings = [
        Signal(
            np.cumsum(
                random.normal(size=(samples, leads)) * (random.random(leads) < 0.9), axis=0
            ).astype(np.float32),
            float(random.choice([1.0, 100.0, 1e6])),
            LEADS[-leads:] if seed % 2 else LEADS[:leads],
        )
        for _ in range(5)
    ]
    verify(recordings)


def test_what_is_steep_and_tiny_tells_no_leads():
    """Pulses up and down in turns: their mean beat is nothing but the rounding of the samples."""
    time = np.arange(5000) / 500
    pulses = 300 * np.sin(2 * np.pi * 1.2 * time)[:, None] ** 15
    recordings = []
    for seed in range(20):
        sizes = np.random.default_rng(seed).uniform(0.3, 1.5, size=8)
        one, two, *chest = (2 * np.round(pulses * sizes)).T
        limb = [one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2]
        values = np.stack([*limb, *chest], axis=1) / 1000
        recordings.append(Signal(values.astype(np.float32), 500.0, LEADS))
    assert verify(recordings).findings == ()


def test_too_few_recordings_prove_nothing(good):
    assert verify(change(good[:2], sign=1000)).findings == ()
    broken = [Signal(np.full((5000, 12), np.nan, np.float32), 500.0, LEADS)] * 9
    assert verify(broken + good[:2]).records == 2
    assert verify([]).records == 0


def test_fewer_leads_are_checked_as_far_as_they_go(good):
    two = [Signal(one.values[:, [1, 7]] * 1000, 500.0, ("II", "V2")) for one in good]
    result = verify(two)
    assert result.repair == Repair(factor=0.001)
    assert not result.identities


def test_limb_leads_that_a_recorder_does_not_store_are_derived(good):
    def store(recordings):
        return [
            Signal(one.values[:, [0, 1, *range(6, 12)]], 500.0, (*LEADS[:2], *LEADS[6:]))
            for one in recordings
        ]

    assert verify(store(good)).findings == ()
    (turned,) = verify(store(change(good, (*range(6), *range(11, 5, -1))))).findings
    assert "V6" in turned.what
    (inverted,) = verify(store(change(good, sign=[-1] * 6 + [1] * 6))).findings
    assert "inverted" in inverted.what or "exchanged" in inverted.what


REAL = {
    "ptbxl": ("ptbxl", 500),
    "ludb": ("ludb", 500),
    "cpsc2018": ("challenge/training/cpsc_2018", 500),
    "cpsc2018_extra": ("challenge/training/cpsc_2018_extra", 500),
    "georgia": ("challenge/training/georgia", 500),
    "ptb": ("challenge/training/ptb", 1000),
    "ptbxl_challenge": ("challenge/training/ptb-xl", 500),
    "chapman": ("challenge/training/chapman_shaoxing", 500),
    "ningbo": ("challenge/training/ningbo", 500),
}


def read(real_data, name, first=0, last=None):
    source, (folder, rate) = find_source(name), REAL[name]
    infos = source.list_records(
        real_data / folder, label_set=next(iter(source.LABEL_SETS)), sampling_rate=rate
    )
    signals = (source.read_signal(info) for info in infos[first:last])
    return [Signal(one.values, one.sampling_rate, one.leads) for one in signals]


@pytest.mark.real
@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize(("first", "last"), [(0, 3), (3, 8), (0, 10)])
def test_real_databases_are_good(real_data, name, first, last):
    assert verify(read(real_data, name, first, last)).findings == ()


@pytest.mark.real
@pytest.mark.parametrize("name", ["ptbxl", "ludb"])
def test_planted_faults_in_real_databases(real_data, name):
    right = read(real_data, name, 0, 32)
    words = "the electrodes of the left arm and the left leg are exchanged"
    subtle = SYMMETRIES[words]
    planted = change(right, (*subtle.columns, *range(6, 12)), (*subtle.signs, *[1] * 6))
    assert [finding.what for finding in verify(planted).findings] == [words]
    for planted in (
        change(right, CODE_TEST),
        change(right, sign=flip("aVL")),
        change(right, [*range(6), *range(11, 5, -1)]),
        change(right, rate=5.0),
    ):
        result = verify(planted)
        assert len(result.findings) == 1
        mended(result.repair, right, planted)


@pytest.mark.real
@pytest.mark.parametrize("name", [name for name in REAL if name not in ("ptbxl", "ludb")])
def test_planted_faults_in_ten_real_recordings(real_data, name):
    right = read(real_data, name, 0, 10)
    for planted, told in (
        (change(right, CODE_TEST), "aVL, aVF, aVR are in the columns aVR, aVL, aVF"),
        (change(right, sign=flip("aVL")), "lead aVL is inverted"),
        (change(right, sign=1000), ("microvolts are taken for millivolts", "the signals are 15")),
        (change(right, sign=[1] * 8 + [10] + [1] * 3), "chest leads are larger or smaller"),
        (change(right, rate=10.0), "the sampling rate is wrong"),
        (change(right, rate=0.1), "the sampling rate is wrong"),
    ):
        (finding,) = verify(planted).findings
        assert finding.what.startswith(told)


@pytest.mark.real
def test_ludb_by_the_gains_of_its_headers(real_data):
    """What other readers of WFDB make of it: each lead 1 mV high."""
    scaled = [
        Signal(one.values / np.ptp(one.values, axis=0), 500.0, LEADS)
        for one in read(real_data, "ludb", 0, 8)
    ]
    assert [finding.what for finding in verify(scaled).findings] == [
        "the signals are no millivolts: each lead of each recording has the same span"
    ]


# ---------------------------------------------------------------- one recording alone


@pytest.mark.parametrize("hospital", HOSPITALS)
def test_sound_recordings_show_no_fault_alone(hospital):
    for index in range(60):
        ecg = record_ecg(hospital, index)
        assert find_fault(Signal(ecg.values, float(ecg.sampling_rate), LEADS)) is None


@pytest.mark.parametrize(
    ("order", "sign", "what"),
    [
        (range(12), 1000, "microvolts are taken for millivolts"),
        (range(12), 0.001, "volts are taken for millivolts"),
        ([1, 0, *range(2, 12)], 1, "II, I are in the columns I, II"),
        (CODE_TEST, 1, "aVL, aVF, aVR are in the columns aVR, aVL, aVF"),
        (range(12), flip("aVF"), "lead aVF is inverted"),
    ],
)
def test_what_identities_and_sizes_show_is_found_in_each_recording(good, order, sign, what):
    found = [find_fault(one) for one in change(good, order, sign)]
    assert {one and one.what for one in found} == {what}


@pytest.mark.parametrize(
    "words",
    [
        "the electrodes of the two arms are exchanged",
        "the electrodes of the right arm and the left leg are exchanged",
        "the three limb electrodes are exchanged in a circle",
    ],
)
def test_exchanged_electrodes_are_found_in_most_single_recordings(words):
    placement, found = SYMMETRIES[words], []
    for index in range(20):
        ecg = record_ecg("lakeside", index)
        good = [Signal(ecg.values, float(ecg.sampling_rate), LEADS)]
        planted = change(good, (*placement.columns, *range(6, 12)), (*placement.signs, *[1] * 6))
        found.append(find_fault(planted[0]))
    named = [one.what for one in found if one is not None]
    assert len(named) >= 14
    assert all(one.startswith("electrodes seem to be exchanged, most likely so") for one in named)


def test_chest_leads_that_run_backwards_are_found(good):
    found = [find_fault(one) for one in change(good, [*range(6), *range(11, 5, -1)])]
    assert sum(one is not None and "V6 to V1" in one.what for one in found) > len(good) / 2


def test_what_can_not_be_looked_at_is_no_fault(good):
    one = good[0]
    gap = one.values.copy()
    gap[:50] = np.nan
    dead = one.values * np.asarray([1] * 11 + [0], np.float32)
    for values in (gap, dead, one.values[:50]):
        assert find_fault(Signal(values, one.sampling_rate, LEADS)) is None
