"""The shape of a beat: Gaussian waves of the heart's dipole, set to the patient's criteria.

A beat is eight waves; each is a dipole vector (x to the patient's left, y to the feet, z to the
front, in mV) times a Gaussian of time with its own width on either side:

    d(t) = sum_w dipole_w exp(-(t - centre_w)^2 / (2 width_w^2))

Source:
    McSharry, Clifford, Tarassenko and Smith, IEEE Trans. Biomed. Eng. 50 (2003) 289-294, for
    Gaussian waves; Sameni, Clifford, Jutten and Shamsollahi, EURASIP J. Adv. Signal Process. 2007,
    043407, for Gaussian waves of the three components of the dipole.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ecg_keras.array_types import AnyArray, Float32Array
from ecg_keras.simulate.electrodes import twelve_leads
from ecg_keras.simulate.patients import Patient

# of the eight waves P right, P left, Q, R, S, late, ST and T
_QRS = slice(2, 6)
_ST, _T = 6, 7
# A wave lasts 2.5 widths to either side of its centre: there it has 4 % of its height.
_REACH = 2.5

# Centre and width of Q, R, S and late, as shares of the QRS duration, and their dipoles. The first
# wave starts at 0 and the last ends at 1.
_CONDUCTION: dict[str, tuple[tuple[float, float, tuple[float, float, float]], ...]] = {
    "normal": (
        (0.235, 0.094, (-0.12, -0.05, 0.40)),
        (0.470, 0.108, (1.00, 0.90, -0.50)),
        (0.690, 0.124, (-0.28, -0.15, -0.45)),
        (0.500, 0.100, (0.00, 0.00, 0.00)),
    ),
    "CRBBB": (
        (0.150, 0.060, (-0.10, -0.05, 0.36)),
        (0.330, 0.080, (1.00, 0.85, -0.30)),
        (0.500, 0.075, (-0.15, -0.10, -0.05)),
        (0.710, 0.116, (-0.42, 0.03, 0.52)),
    ),
    "CLBBB": (
        (0.150, 0.060, (0.05, 0.03, -0.10)),
        (0.330, 0.110, (0.70, 0.32, -0.60)),
        (0.510, 0.120, (0.42, 0.12, -0.62)),
        (0.705, 0.118, (0.72, 0.12, -0.40)),
    ),
}
_LATE = np.array((-0.40, 0.00, 0.60))
_P_DIPOLES = ((0.050, 0.080, 0.050), (0.060, 0.050, -0.030))


@dataclass(frozen=True, eq=False)
class Beat:
    """One kind of beat; times in seconds from the onset of its QRS."""

    centre: AnyArray  # ``(8,)``, of each wave
    left: AnyArray  # its width before the centre
    right: AnyArray  # and after it
    dipole: AnyArray  # ``(8, 3)`` in mV
    qrs: float  # duration of the QRS
    qt_extra: float = 0.0  # what its QT interval has more than a sinus beat's


def evaluate(time: AnyArray, centre: AnyArray, left: AnyArray, right: AnyArray) -> Float32Array:
    """Gaussians of time ``(..., num_samples, 1)`` with one width on either side.

    Centres and widths are ``(..., 1, num_waves)``, the result ``(..., num_samples, num_waves)``.
    """
    distance = np.subtract(time, centre, dtype=np.float32)
    distance /= np.where(distance < 0, left, right).astype(np.float32)
    np.square(distance, out=distance)
    distance *= -0.5
    return np.asarray(np.exp(distance, out=distance))


def repolarisation(qrs: AnyArray, qt: AnyArray) -> tuple[AnyArray, AnyArray, AnyArray]:
    """Centre, left and right width of the ST and T waves for QT intervals, ``(num_beats, 2)``.

    The T wave ends at QT.
    """
    peak = 0.77 * qt
    gap = peak - qrs
    centre = np.stack((qrs + np.minimum(0.07, 0.4 * gap), peak), axis=-1)
    left = np.stack((np.minimum(0.035, 0.2 * gap), 0.135 * qt), axis=-1)
    right = np.stack((0.22 * gap, (qt - peak) / _REACH), axis=-1)
    return centre, left, right


def sinus_beat(patient: Patient) -> Beat:
    """The patient's conducted beat (without P waves in atrial fibrillation)."""
    centre, width, dipole = np.zeros(8), np.ones(8), np.zeros((8, 3))
    if not patient.has("AFIB"):
        centre[:2] = -patient.pr + np.array([0.4, 0.6]) * patient.p_duration
        width[:2] = 0.4 / _REACH * patient.p_duration
        dipole[:2] = patient.p_gain * _rotate(np.array(_P_DIPOLES), 0.4 * patient.axis, 0.0)
    centre[_QRS], width[_QRS], dipole[_QRS] = _depolarisation(patient)
    # a bundle branch block lengthens QT by what it adds to the QRS
    beat = Beat(centre, width, width.copy(), dipole, patient.qrs, max(patient.qrs - 0.11, 0.0))
    beat = _set_voltage(beat, patient)
    beat.dipole[_T] = _t_dipole(patient, beat)
    return _set_st(beat, patient)


def atrial_beat(patient: Patient, sinus: Beat) -> Beat:
    """A premature beat from the atria: another P wave, the sinus beat's QRS and T."""
    rng = np.random.default_rng((patient.shape_seed, 1))
    centre, dipole = sinus.centre.copy(), sinus.dipole.copy()
    centre[:2] += rng.uniform(-0.01, 0.02)
    low = -1.0 if rng.random() < 0.4 else 0.8
    dipole[:2] = patient.p_gain * np.array(_P_DIPOLES) * (rng.uniform(-0.6, 0.6), low, 1.3)
    return replace(sinus, centre=centre, dipole=dipole)


def ventricular_beat(patient: Patient) -> Beat:
    """A premature beat from a ventricle: no P, wide QRS, T in the opposite direction."""
    rng = np.random.default_rng((patient.shape_seed, 2))
    qrs = rng.uniform(0.135, 0.175)
    # from the right ventricle it spreads to the left and back, from the left to the right and front
    side = 1.0 if rng.random() < 0.5 else -1.0
    main = np.array([side, rng.uniform(-0.9, 0.9), -side * rng.uniform(0.4, 0.9)])
    main *= rng.uniform(0.6, 1.5) / np.linalg.norm(main)
    centre, width, dipole = np.zeros(8), np.ones(8), np.zeros((8, 3))
    centre[2:4], width[2:4] = np.array([0.36, 0.65]) * qrs, 0.14 * qrs
    dipole[2] = main * rng.uniform(0.7, 1.1)
    dipole[3] = (main + rng.normal(0, 0.2, 3)) * rng.uniform(0.5, 1.0)
    dipole[_T] = -main * rng.uniform(0.25, 0.4)
    dipole[_ST] = -main * rng.uniform(0.03, 0.10)
    return Beat(centre, width, width.copy(), dipole, qrs, qt_extra=0.04)


def _depolarisation(patient: Patient) -> tuple[AnyArray, AnyArray, AnyArray]:
    """Centre, width and dipole of Q, R, S and late."""
    pattern = next((name for name in ("CLBBB", "CRBBB") if patient.has(name)), "normal")
    centre = np.array([wave[0] for wave in _CONDUCTION[pattern]])
    width = np.array([wave[1] for wave in _CONDUCTION[pattern]])
    dipole = np.array([wave[2] for wave in _CONDUCTION[pattern]])
    if pattern == "normal":
        # septal forces vary, and in some hearts the right ventricle is a little late
        rng = np.random.default_rng((patient.shape_seed, 3))
        dipole[0] *= rng.uniform(0.7, 1.2)
        if rng.random() < 0.15:
            centre[3], width[3], dipole[3] = 0.80, 0.08, rng.uniform(0.1, 0.5) * _LATE
    if patient.has("LVH"):
        dipole[1] += (0.15, -0.15, -0.25)
    dipole = _rotate(dipole, patient.axis, patient.turn)
    if patient.has("AMI"):
        # the dead front wall no longer pulls forward: the first forces point back
        severity = patient.severity["AMI"]
        dipole[0] = (-0.05, 0.10, -0.50 - 0.35 * severity)
        dipole[1] -= (0.10 * severity, 0.0, 0.30 + 0.30 * severity)
    if patient.has("IMI"):
        # the dead lower wall no longer pulls down: the first forces point up
        severity = patient.severity["IMI"]
        dipole[0] = (-0.02, -0.26 - 0.30 * severity, 0.25)
        dipole[1, 1] *= 0.75 - 0.25 * severity
    if patient.has("AMI") or patient.has("IMI"):
        # the dead wall's wave is wide, and what is left of the front comes after it
        reach = 0.022 / patient.qrs
        width[0] = max(width[0], reach / 2)
        centre[0] = width[0] * _REACH
        centre[1] = max(centre[1], centre[0] + 0.030 / patient.qrs)
    return centre * patient.qrs, width * patient.qrs, dipole


def _set_voltage(beat: Beat, patient: Patient) -> Beat:
    """The beat with its QRS scaled to the patient's Sokolow-Lyon voltage."""
    time = np.arange(0.0, patient.qrs, 0.001)
    leads = _leads(beat, patient, time)
    sokolow_lyon = -leads[:, 6].min() + max(leads[:, 10].max(), leads[:, 11].max())
    dipole = beat.dipole.copy()
    dipole[_QRS] *= patient.voltage / sokolow_lyon
    return replace(beat, dipole=dipole)


def _t_dipole(patient: Patient, beat: Beat) -> AnyArray:
    if patient.has("INVT"):
        lateral = not patient.has("IMI") and (
            patient.has("AMI") or patient.has("LVH") or patient.shape_seed % 3 > 0
        )
        direction = np.array((-0.9, -0.25, -0.45) if lateral else (0.5, -1.0, 0.3))
        # V5, or II; the neighbouring leads are inverted deeper
        shown = -float(patient.lead_field[6 if lateral else 1] @ direction)
        return np.asarray(direction * (0.13 + 0.30 * patient.severity["INVT"]) / shown)
    if patient.has("CLBBB"):
        return np.asarray(-0.19 * beat.dipole[3:6].sum(axis=0))
    direction = _rotate(np.array([(0.8, 0.6, 0.35)]), 0.4 * patient.axis + patient.t_axis, 0.0)[0]
    if patient.has("CRBBB"):
        direction = direction + (0.10, 0.0, -0.55)
    return np.asarray(direction * patient.t_mv)


def _set_st(beat: Beat, patient: Patient) -> Beat:
    """The beat with its ST wave set so that one lead shows the wanted level 60 ms after J."""
    rng = np.random.default_rng((patient.shape_seed, 0))
    if patient.has("STD_"):
        lead, direction = 10, (-0.70, -0.35, -0.10)
        level = -0.08 - 0.20 * patient.severity["STD_"]
    elif patient.has("AMI"):
        lead, direction, level = 8, (0.15, -0.10, 0.90), _infarct_st(0.30, rng)
    elif patient.has("IMI"):
        lead, direction, level = 5, (-0.05, 0.80, -0.10), _infarct_st(0.22, rng)
    elif patient.has("CLBBB"):
        # opposite to the QRS, as the T wave
        beat.dipole[_ST] = -rng.uniform(0.02, 0.07) * beat.dipole[3:6].sum(axis=0)
        return beat
    else:
        lead, direction, level = 10, (0.45, 0.25, 0.35), rng.uniform(-0.03, 0.05)
    dipole, time = beat.dipole.copy(), np.array([beat.qrs + 0.06])
    without = _leads(beat, patient, time)[0, lead]
    dipole[_ST] = direction
    with_unit = _leads(replace(beat, dipole=dipole), patient, time)[0, lead]
    dipole[_ST] *= (level - without) / (with_unit - without)
    return replace(beat, dipole=dipole)


def _infarct_st(highest: float, rng: np.random.Generator) -> float:
    """ST level of an infarction in mV: half of them are old and show none."""
    acute = rng.random() < 0.5
    return 0.10 + (highest - 0.10) * rng.random() if acute else rng.uniform(0.0, 0.05)


def _leads(beat: Beat, patient: Patient, time: AnyArray) -> AnyArray:
    """The twelve leads of one beat at the patient's mean rate, ``(num_samples, 12)``."""
    qt = patient.qtc * (60.0 / patient.rate) ** (1 / 3) + beat.qt_extra
    centre, left, right = beat.centre.copy(), beat.left.copy(), beat.right.copy()
    centre[_ST:], left[_ST:], right[_ST:] = repolarisation(np.array(beat.qrs), np.array(qt))
    shape = evaluate(time[:, None], centre[None], left[None], right[None])
    return twelve_leads(shape @ beat.dipole @ patient.lead_field.T)


def _rotate(vectors: AnyArray, axis: float, turn: float) -> AnyArray:
    """Vectors ``(..., 3)`` turned in the frontal plane, then about the y axis."""
    x, y, z = np.moveaxis(vectors, -1, 0)
    x, y = np.cos(axis) * x - np.sin(axis) * y, np.sin(axis) * x + np.cos(axis) * y
    x, z = np.cos(turn) * x - np.sin(turn) * z, np.sin(turn) * x + np.cos(turn) * z
    return np.stack((x, y, z), axis=-1)
