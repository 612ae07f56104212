"""Each recording counts once, by its first answer."""

import tracemalloc

import numpy as np

from ecg_keras.monitoring import received
from ecg_keras.prediction import AnswerTable


def test_answers_about_other_recordings_are_not_compared_with_themselves():
    records = 50_000
    ids = np.array([f"{number:06}" for number in range(records)])
    figures = {name: np.zeros((records, 12), np.float32) for name in "abcde"}
    known = np.ones(records, np.bool_)
    table = AnswerTable(ids, ids, known, np.zeros((records, 1), np.float32), figures)
    tracemalloc.start()
    kept, doubled = received._keep_one(table)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert kept is table and doubled == 0
    assert peak < sum(values.nbytes for values in figures.values())
