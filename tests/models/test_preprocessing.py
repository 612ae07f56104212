"""What published weights want done to signals, against SciPy and NumPy in float64."""

import keras
import numpy as np
import pytest
from scipy import signal as sp

from ecg_keras import models
from ecg_keras.config import CardFilter, CardScaling, Preprocessing
from ecg_keras.errors import ConfigError
from ecg_keras.models.filtering import filter_layer
from ecg_keras.signals import LEADS

RATE = 100
# of the largest sample
FILTERED = 1e-6


def layers_of(wanted, leads=("I", "II", "V1"), num_samples=400):
    signal = keras.Input((num_samples, len(leads)), name="signal")
    done = models.preprocess(signal, Preprocessing(**wanted), leads=leads, sampling_rate=RATE)
    return keras.Model(signal, done)


def apply(wanted, signals, leads=("I", "II", "V1")):
    return np.asarray(layers_of(wanted, leads, signals.shape[1])(signals))


@pytest.fixture(scope="module")
def ecgs():
    """ECG-like signals (4, 400, 3) in millivolts, with a drift and an offset of 3 mV."""
    rng = np.random.default_rng(0)
    time = np.arange(400)[:, None] / RATE
    beats = np.maximum(np.sin(2 * np.pi * 1.2 * time), 0.9) * 10 - 9
    drift = 3 + 0.4 * np.sin(2 * np.pi * 0.2 * time)
    noise = rng.normal(0, 0.05, (4, 400, 3))
    return (noise + beats * [0.5, 1.0, -0.7] + drift).astype(np.float32)


def test_nothing_is_done_where_nothing_is_wanted():
    signal = keras.Input((400, 3), name="signal")
    assert models.preprocess(signal, Preprocessing(), leads=LEADS[:3], sampling_rate=RATE) is signal


@pytest.mark.parametrize(("unit", "factor"), [("uV", 1000), ("V", 0.001), ("1e-4 V", 10)])
def test_units(ecgs, unit, factor):
    assert np.array_equal(apply({"unit": unit}, ecgs), ecgs * np.float32(factor))


def reference(one, signals):
    x = signals.astype(np.float64)
    if one["kind"] == "median":
        baseline = x.copy()
        for seconds in one["seconds"]:
            width = int(seconds * RATE) // 2 * 2 + 1
            for lead in np.ndindex(x.shape[0], x.shape[2]):
                line = (lead[0], slice(None), lead[1])
                baseline[line] = sp.medfilt(baseline[line], width)
        return x - baseline
    if one["kind"] == "notch":
        return sp.filtfilt(*sp.iirnotch(one["hz"], one["quality"], fs=RATE), x, axis=1)
    sections = sp.butter(one["order"], one["hz"], one["kind"], fs=RATE, output="sos")
    run = sp.sosfiltfilt if one.get("zero_phase", True) else sp.sosfilt
    return run(sections, x, axis=1)


FILTERS = [
    {"kind": "notch", "hz": 25.0, "quality": 10.0},
    {"kind": "highpass", "hz": 0.5, "order": 2},
    {"kind": "highpass", "hz": 0.5, "order": 1, "zero_phase": False},
    {"kind": "lowpass", "hz": 40.0, "order": 5},
    {"kind": "bandpass", "hz": (0.67, 40.0), "order": 4},
    {"kind": "median", "seconds": (0.2, 0.6)},
]


@pytest.mark.parametrize("one", FILTERS, ids=lambda one: f"{one['kind']}-{one.get('order', '')}")
def test_filters_are_those_of_scipy_ends_included(ecgs, one):
    filtered = apply({"filters": (CardFilter(**one),)}, ecgs)
    expected = reference(one, ecgs)
    assert np.abs(filtered - expected).max() <= FILTERED * np.abs(ecgs).max()
    assert np.abs(filtered - ecgs).max() > 0.1 * (one["kind"] in ("highpass", "bandpass"))


def test_filters_follow_one_another(ecgs):
    notch, band = FILTERS[0], FILTERS[4]
    both = apply({"filters": (CardFilter(**notch), CardFilter(**band))}, ecgs)
    expected = reference(band, reference(notch, ecgs))
    assert np.abs(both - expected).max() <= 2 * FILTERED * np.abs(ecgs).max()


@pytest.mark.parametrize("over", ["lead", "all"])
@pytest.mark.parametrize("ddof", [0, 1])
def test_z_score(ecgs, over, ddof):
    scaled = apply({"scaling": CardScaling(kind="zscore", over=over, ddof=ddof)}, ecgs)
    x, axes = ecgs.astype(np.float64), 1 if over == "lead" else (1, 2)
    expected = (x - x.mean(axes, keepdims=True)) / x.std(axes, keepdims=True, ddof=ddof)
    assert np.allclose(scaled, expected, atol=1e-5)


def test_the_floor_of_a_deviation_and_a_lead_that_is_flat():
    flat = np.zeros((1, 100, 2), np.float32)
    flat[0, :, 0] = 1e-6 * np.sin(np.arange(100))
    scaling = CardScaling(kind="zscore", floor=1e-3)
    assert 0 < np.abs(apply({"scaling": scaling}, flat, ("I", "II"))[0, :, 0]).max() < 1.1e-3
    plain = apply({"scaling": CardScaling(kind="zscore")}, flat, ("I", "II"))
    assert np.abs(plain[0, :, 0]).max() > 1 and not plain[0, :, 1].any()


def test_minmax_to_any_range_and_standardise_in_the_unit(ecgs):
    scaled = apply({"scaling": CardScaling(kind="minmax", to=(0.0, 1.0))}, ecgs)
    assert np.allclose(scaled.min(1), 0, atol=1e-6) and np.allclose(scaled.max(1), 1, atol=1e-6)
    once = apply({"scaling": CardScaling(kind="minmax", over="all")}, ecgs)
    assert np.allclose(once.min((1, 2)), -1) and np.allclose(once.max((1, 2)), 1)
    mean, std = (3000.0, 2500.0, 0.0), (100.0, 200.0, 1.0)
    wanted = {"unit": "uV", "scaling": CardScaling(kind="standardise", mean=mean, std=std)}
    assert np.allclose(apply(wanted, ecgs), (ecgs * 1000 - mean) / std, rtol=1e-5, atol=1e-4)


def test_leads_in_another_order_and_limb_leads_from_two(ecgs):
    wanted = ("V1", "III", "I", "aVR", "aVL", "aVF", "II")
    done = apply({"leads": wanted}, ecgs)
    one, two, chest = np.moveaxis(ecgs, 2, 0)
    limb = (two - one, one, -(one + two) / 2, one - two / 2, two - one / 2, two)
    assert np.array_equal(done[..., 0], chest) and np.array_equal(done[..., 2], one)
    assert np.allclose(done[..., 1:], np.stack(limb, -1), atol=1e-6)


def test_limb_leads_follow_from_any_two(ecgs):
    one, two, chest = np.moveaxis(ecgs, 2, 0)
    stored = np.stack([(two - one), chest, two - one / 2], axis=-1)  # III, V1 and aVF
    done = apply({"leads": ("I", "II", "V1", "aVR")}, stored, ("III", "V1", "aVF"))
    expected = np.stack([one, two, chest, -(one + two) / 2], axis=-1)
    assert np.allclose(done, expected, atol=1e-5)


def test_missing_leads_are_refused_unless_they_are_to_be_zero(ecgs):
    with pytest.raises(ConfigError, match=r"V2 are not among I, II, V1.*initialise.leads: fewer"):
        apply({"leads": ("V1", "V2")}, ecgs)
    done = apply({"leads": ("V2", "V1"), "missing": "zero"}, ecgs)
    assert not done[..., 0].any() and np.array_equal(done[..., 1], ecgs[..., 2])
    with pytest.raises(ConfigError, match="V2 are not among"):
        apply({"leads": ("V2",), "missing": "zero"}, ecgs)


EVERYTHING = {
    "unit": "uV",
    "leads": ("II", "V1", "III"),
    "filters": (CardFilter(**FILTERS[0]), CardFilter(**FILTERS[4]), CardFilter(**FILTERS[5])),
    "scaling": CardScaling(kind="zscore", ddof=1, floor=1e-5),
}


def test_layers_are_frozen_float32_and_saved_with_the_model(ecgs, tmp_path):
    expected = apply(EVERYTHING, ecgs)
    keras.config.set_dtype_policy("mixed_bfloat16")
    model = layers_of(EVERYTHING, num_samples=ecgs.shape[1])
    assert [layer.name for layer in model.layers[1:]] == [
        "preprocess_leads",
        "preprocess_unit",
        "preprocess_filter1_notch",
        "preprocess_filter2_bandpass",
        "preprocess_filter3_median",
        "preprocess_zscore",
    ]
    assert not model.weights
    models.save_model(model, tmp_path / "model.keras")
    loaded = models.load_model(tmp_path / "model.keras")
    for one in (model, loaded, models.float32_clone(model)):
        assert np.allclose(one(ecgs), expected, atol=1e-5)


def test_filtered_signals_have_one_length(ecgs, tmp_path):
    backbone = models.find_backbone("gru")(400, 3, head="pooled")
    given = {"leads": ("I", "II", "V1"), "sampling_rate": RATE}
    scaled = Preprocessing(scaling=CardScaling(kind="zscore", ddof=1))
    free = models.classifier(backbone, ["MI"], preprocessing=scaled, **given)
    assert models.with_length(free, 200)(ecgs[:, :200]).shape == (4, 1)
    filtered = Preprocessing(filters=(CardFilter(**FILTERS[1]),))
    model = models.classifier(backbone, ["MI"], preprocessing=filtered, **given)
    with pytest.raises(ConfigError, match="filters of whole ECGs"):
        models.with_length(model, 200)
    with pytest.raises(ConfigError, match="needs signals of more than 9 samples"):
        layers_of({"filters": (CardFilter(**FILTERS[1]),)}, num_samples=9)


@pytest.mark.parametrize(
    "one",
    [
        {"kind": "highpass", "hz": 1e-6, "order": 2},
        {"kind": "bandpass", "hz": (0.001, 40), "order": 20},
        {"kind": "notch", "hz": 50, "quality": 1e9},
    ],
    ids=lambda one: one["kind"],
)
def test_a_filter_that_remembers_too_long_is_refused(one):
    with pytest.raises(ConfigError, match="samples or more, and may remember 500000"):
        filter_layer(CardFilter(**one), 5000, 500)


def test_fewer_leads_are_the_twelve_lead_network_fed_with_zeros():
    rng = np.random.default_rng(1)
    here = ("II", "I", "V2")
    signals = rng.normal(0, 0.5, (3, 64, 3)).astype(np.float32)
    whole = np.zeros((3, 64, 12), np.float32)
    for lead, column in zip(here, signals.transpose(2, 0, 1), strict=True):
        whole[..., LEADS.index(lead)] = column
    one, two = whole[..., 0], whole[..., 1]
    whole[..., 2:6] = np.stack([two - one, -(one + two) / 2, one - two / 2, two - one / 2], -1)
    backbone = models.find_backbone("resnet1d18")(64, 12)
    twelve = models.classifier(backbone, ["MI"])
    wanted = Preprocessing(leads=LEADS, missing="zero")
    three = models.classifier(
        backbone, ["MI"], preprocessing=wanted, leads=here, sampling_rate=RATE
    )
    three.get_layer("head").set_weights(twelve.get_layer("head").get_weights())
    assert three.input_shape == (None, 64, 3)
    assert np.allclose(three(signals), twelve(whole), atol=1e-6)


def test_weights_of_three_leads_come_into_a_network_of_two(ecgs, tmp_path):
    def build(here, **settings):
        backbone = models.find_backbone("gru")(400, 3, head="pooled", seed=len(here))
        given = {"leads": here, "sampling_rate": RATE, "scaling": "standardise"}
        mean, std = np.full(3, 0.1 * len(here)), np.full(3, 2.0)
        wanted = Preprocessing(**settings)
        return models.classifier(
            backbone, ["MI"], preprocessing=wanted, mean=mean, std=std, **given
        )

    three = build(("I", "II", "V1"))
    models.save_model(three, tmp_path / "three.keras")
    two = build(("V1", "I"), leads=("I", "II", "V1"), missing="zero")
    models.load_backbone(two, tmp_path / "three.keras", head="keep")
    zeros = ecgs * np.float32([1, 0, 1])
    assert np.allclose(two(ecgs[..., [2, 0]]), three(zeros), atol=1e-6)
