import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import binomtest

from ecg_keras.data.augment import gain, lead_dropout, lead_group_dropout
from ecg_keras.signals import LEADS

ECG = tf.constant(np.random.default_rng(0).normal(0, 1, (400, 10, 12)).astype(np.float32))


def in_bounds(count, of, chance):
    """Whether so many of so many are what the chance lets expect, but for 1 case in 10,000."""
    return binomtest(int(count), of, chance).pvalue > 1e-4


def test_gain_is_one_factor_an_ecg():
    factors = gain(ECG, 0.2, (0, 1)) / ECG
    np.testing.assert_allclose(factors, factors[:, :1, :1] * np.ones_like(factors), rtol=1e-5)
    logarithms = np.log(factors[:, 0, 0])
    assert abs(logarithms.std() - 0.2) < 0.03
    assert abs(logarithms.mean()) < 0.04


@pytest.mark.parametrize("chance", [0.05, 0.3, 0.9])
def test_lead_dropout_silences_whole_leads(chance):
    dropped = lead_dropout(ECG, chance, (0, 1)).numpy()
    silent = (dropped == 0).all(axis=1)
    np.testing.assert_array_equal(dropped, ECG.numpy() * ~silent[:, np.newaxis, :])
    assert in_bounds(silent.sum(), silent.size, chance)
    for lead in range(12):
        assert in_bounds(silent[:, lead].sum(), 400, chance)


@pytest.mark.parametrize("chance", [0.1, 0.5, 0.99])
def test_lead_group_dropout_silences_one_group_by_the_names_of_its_leads(chance):
    order = np.random.default_rng(2).permutation(12)
    leads = [LEADS[index] for index in order]
    dropped = lead_group_dropout(ECG, chance, leads, (0, 1)).numpy()
    silent = (dropped == 0).all(axis=1)
    np.testing.assert_array_equal(dropped, ECG.numpy() * ~silent[:, np.newaxis, :])
    chest = np.array([lead.startswith("V") for lead in leads])
    no_limb, no_chest = ((silent == group).all(axis=1) for group in (~chest, chest))
    assert (no_limb | no_chest | ~silent.any(axis=1)).all()
    for count in (no_limb.sum(), no_chest.sum()):
        assert in_bounds(count, 400, chance / 2)
