"""Simulated 12-lead ECGs with known labels, written as real databases are.

docs/simulator.md has the equations, the criteria of each condition and the hospitals.
"""

from ecg_keras.simulate.conditions import CONDITIONS, SUPERCLASSES
from ecg_keras.simulate.databases import SETTINGS, is_complete, read_settings, simulate
from ecg_keras.simulate.hospitals import HOSPITALS, Hospital
from ecg_keras.simulate.recordings import Recording, record_ecg

__all__ = [
    "CONDITIONS",
    "HOSPITALS",
    "SETTINGS",
    "SUPERCLASSES",
    "Hospital",
    "Recording",
    "is_complete",
    "read_settings",
    "record_ecg",
    "simulate",
]
