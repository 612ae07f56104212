import pytest
from hypothesis import given, strategies as st

from ecg_keras.config import Augment
from ecg_keras.data.settings import check_augment
from ecg_keras.errors import ConfigError
from ecg_keras.signals import LEADS


def check(leads=LEADS, sampling_rate=100.0, num_samples=1000, **settings):
    check_augment(
        Augment(**settings), leads=leads, sampling_rate=sampling_rate, num_samples=num_samples
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"crop": 12.0}, r"crop must be at most 10 s.*at least one sample\. Received: 12\."),
        ({"crop": 0.001}, r"crop must be .*at least one sample\. Received: 0.001\."),
        ({"shift": 10.0}, r"shift must be below 10 s.*Received: 10\."),
        ({"crop": 2.5, "shift": 3.0}, r"shift must be below 2.5 s.*Received: 3\."),
        (
            {"mains_hum": 0.1},
            r"mains_hum: 50 Hz can't be sampled at 100 Hz.*sampling_rate above 100, or mains_hum",
        ),
        (
            {"mains_hum": 0.1, "mains_hz": 60, "sampling_rate": 120.0},
            r"mains_hum: 60 Hz can't be sampled at 120 Hz.*sampling_rate above 120, or mains_hum",
        ),
        (
            {"lead_group_dropout": 0.1, "leads": ("V1", "V2")},
            r"one of the groups only: V1, V2\. Set it to 0\.",
        ),
        ({"lead_group_dropout": 0.1, "leads": ("I", "aVF")}, r"one of the groups only: I, aVF"),
    ],
)
def test_what_these_ecgs_cannot_have_is_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        check(**settings)


def test_what_they_can_have_is_not():
    check()
    check(crop=10.0, shift=9.9)
    check(mains_hum=0.1, sampling_rate=101.0)
    check(mains_hz=60)  # no hum, so no matter
    check(lead_group_dropout=0.1, leads=("II", "V5"))
    check(leads=("V1", "V2"), lead_dropout=0.1)


@given(rate=st.floats(10, 1000), hertz=st.sampled_from([50, 60]))
def test_no_hum_is_ever_aliased(rate, hertz):
    settings = {"mains_hum": 0.1, "mains_hz": hertz, "sampling_rate": rate}
    if hertz < rate / 2:
        check(**settings)
    else:
        with pytest.raises(ConfigError, match="can't be sampled"):
            check(**settings)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("noise", -0.1),
        ("noise", float("inf")),
        ("gain", float("nan")),
        ("mixup", -1.0),
        ("lead_group_dropout", 1.0),
        ("mains_hz", 55),
        ("noise_exponent", 4.0),
    ],
)
def test_no_recipe_has_strengths_that_make_no_sense(key, value):
    with pytest.raises(ValueError, match=key):
        Augment.model_validate({key: value})
