"""What makes a database right, and how that is said."""

import numpy as np

from ecg_keras.signals import Repair


def test_a_gain_belongs_to_the_true_name_of_a_lead():
    repair = Repair({"aVR": "I"}, {"I": -1.0}, rate_factor=2.0)
    values, rate, leads = repair.apply(np.ones((1, 2)), 500.0, ("aVR", "II"))
    assert values.tolist() == [[-1.0, 1.0]]
    assert (rate, leads) == (1000.0, ("I", "II"))


def test_samples_that_stay_are_not_copied():
    values = np.ones((1, 2))
    assert Repair({"I": "II", "II": "I"}).apply(values, 500.0, ("I", "II"))[0] is values


def test_every_change_is_a_sentence():
    assert Repair().sentences() == ()
    repair = Repair({"aVR": "aVL", "aVL": "aVR"}, {"I": -1.0, "V1": -1.0, "V2": 0.5}, 0.001, 5.0)
    assert repair.sentences() == (
        "the columns aVR, aVL are read as aVL, aVR",
        "lead I, V1 is multiplied by -1",
        "lead V2 is multiplied by 0.5",
        "all samples are multiplied by 0.001",
        "the sampling rate is multiplied by 5",
    )
