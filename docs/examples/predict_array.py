"""Answers for a NumPy array of ECGs: probabilities, and why there are none."""

import numpy as np

import ecg_keras as ecg
from ecg_keras.prediction import LooseFiles

run = ecg.train("small.yaml").run
records = list(ecg.data.read_shards("shards/small", "test"))[:3]
signals = np.repeat([one.signal for one in records], 2, axis=1)  # 100 Hz, millivolts
signals[2] = 0  # nothing was attached
answers = ecg.predict(run, signals, reading=LooseFiles(sampling_rate=100, unit="mV"))
for answer in answers.rows:
    print(answer)
