"""Textbook measurements on noise-free ECGs.

The simulator says near which times to look; what is there is measured on the samples.
"""

from dataclasses import dataclass

import numpy as np

from ecg_keras.signals import LEADS

INDEPENDENT = [LEADS.index(lead) for lead in ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")]


@dataclass(frozen=True)
class Measured:
    """Of the beats that lie wholly inside the recording; times in seconds, voltages in mV."""

    onset: np.ndarray
    qrs: np.ndarray
    rr: np.ndarray
    values: np.ndarray
    rate: int

    def beat(self, index, before, after):
        """The 12 leads around a beat's QRS onset, baseline (just before the QRS) removed."""
        start = round(self.onset[index] * self.rate)
        baseline = self.values[start - 3]
        return self.values[start - round(before * self.rate) : start + round(after * self.rate)] - (
            baseline
        )

    def at(self, index, time, lead):
        """Voltage of a lead at a time after a beat's QRS onset, against that beat's baseline."""
        start = round(self.onset[index] * self.rate)
        sample = start + round(time * self.rate)
        column = LEADS.index(lead)
        return self.values[sample, column] - self.values[start - 3, column]


def measure(values, rate, near):
    """Finds the QRS near each time by its slope, and its limits by its curvature."""
    leads = values[:, INDEPENDENT].astype(float)
    slope = np.linalg.norm(np.gradient(leads, axis=0), axis=1)
    curve = np.linalg.norm(np.diff(leads, 2, axis=0, prepend=leads[:1], append=leads[-1:]), axis=1)
    seconds = len(values) / rate
    found = []
    for time in near[(near > 0.45) & (near < seconds - 0.55)]:
        start, stop = round((time - 0.04) * rate), round((time + 0.16) * rate)
        steep = start + np.flatnonzero(slope[start:stop] > 0.3 * slope[start:stop].max())
        found.append(_limits(curve, steep[0], steep[-1], rate))
    onset = np.array([first for first, _ in found]) / rate
    width = np.array([last - first for first, last in found]) / rate
    return Measured(onset, width, np.diff(onset), values, rate)


def _limits(curve, first, last, rate):
    """Outwards from the steep part until 14 ms are quiet, and 60 ms at most."""
    level, quiet = 0.06 * curve[first : last + 1].max(), round(0.014 * rate)
    earliest, latest = first - round(0.06 * rate), last + round(0.06 * rate)
    while first > earliest and curve[first - quiet : first].max() > level:
        first -= 1
    while last < latest and curve[last + 1 : last + 1 + quiet].max() > level:
        last += 1
    return first, last


def pr_interval(measured, index, t_end):
    """From the onset of P to the onset of QRS; ``t_end`` is when the last T wave ended."""
    rate = measured.rate
    stop = round(measured.onset[index] * rate) - 3
    start = max(round(t_end * rate), stop - round(0.42 * rate))
    piece = measured.values[start:stop, INDEPENDENT]
    height = np.linalg.norm(piece - piece[-1], axis=1)
    peak = len(height) // 8 + np.argmax(height[len(height) // 8 :])
    onset = peak
    while onset > 0 and height[onset] > 0.06 * height[peak] and height[onset - 1] < height[onset]:
        onset -= 1
    return (stop + 3 - start - onset) / rate, height[peak]


def typical_beat(measured, chosen, before=0.04, after=0.30):
    """The median of the chosen beats, ``{lead: voltages}``, from ``before`` the QRS onset on."""
    beats = np.median([measured.beat(index, before, after) for index in chosen], axis=0)
    return dict(zip(LEADS, beats.T, strict=True))


def q_wave(voltage, rate):
    """Depth in mV and duration in seconds of a beat's first deflection, if that is negative."""
    clear = np.flatnonzero(np.abs(voltage) > 0.03)
    if not len(clear) or voltage[clear[0]] > 0:
        return 0.0, 0.0
    above = np.flatnonzero(voltage[clear[0] :] > 0)
    stop = clear[0] + (above[0] if len(above) else len(voltage) - clear[0])
    return -voltage[clear[0] : stop].min(), (stop - clear[0]) / rate
