"""`choose_thresholds`: best F1 where enough patients have the label, else 0.5 and a name."""

import numpy as np
import pytest

from ecg_keras.evaluation import LEAST_PATIENTS, Predictions, choose_thresholds
from ecg_keras.evaluation.choosing import PLAIN
from ecg_keras.metrics import best_f1_thresholds


def draw(positives, records_each=1):
    people = np.repeat(np.arange(40), records_each)
    targets = people[:, None] < np.array(positives)
    said = np.where(targets, 0.001, 0.0005) + 1e-5 * np.arange(len(people))[:, None] / len(people)
    labels = [f"L{number}" for number in positives]
    ids = [f"r{number:03d}" for number in range(len(people))]
    return Predictions(labels, ids, people.astype(str), targets, said)


def test_few_patients_choose_no_threshold():
    chooser = draw([0, 2, LEAST_PATIENTS - 1, LEAST_PATIENTS, 20])
    limits, missing = choose_thresholds(chooser)
    best = best_f1_thresholds(chooser.targets, chooser.probabilities)
    assert missing == ("L0", "L2", f"L{LEAST_PATIENTS - 1}")
    assert limits[:3].tolist() == [PLAIN] * 3  # not the 0.000 that two positives would choose
    assert best[1] < 0.001
    np.testing.assert_array_equal(limits[3:], best[3:])


def test_records_of_one_patient_are_one_patient():
    limits, missing = choose_thresholds(draw([2], records_each=10))
    assert missing == ("L2",) and limits[0] == pytest.approx(PLAIN)
