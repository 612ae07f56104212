"""From the heart's dipole and the electrodes' potentials to the twelve leads."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

# The eight leads that are measured; the other four follow from I and II.
INDEPENDENT = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")

# Lead vectors: what one millivolt of dipole along x (to the patient's left), y (to the feet) and
# z (to the front) adds to each lead. Rounded in the manner of Dower's transformation (1980).
LEAD_FIELD = np.array(
    [
        (0.63, -0.24, -0.06),  # I
        (0.24, 1.07, 0.13),  # II
        (-0.50, 0.15, 0.90),  # V1
        (0.05, 0.15, 1.40),  # V2
        (0.90, 0.10, 1.30),  # V3
        (1.20, 0.13, 0.60),  # V4
        (1.10, 0.13, 0.10),  # V5
        (0.80, 0.08, -0.20),  # V6
    ]
)

# Electrodes RA, LA, LL, V1 ... V6. I = LA - RA, II = LL - RA, and each chest lead is taken against
# Wilson's central terminal (RA + LA + LL) / 3.
ELECTRODES_TO_LEADS = np.zeros((8, 9))
ELECTRODES_TO_LEADS[0, [0, 1]] = (-1.0, 1.0)
ELECTRODES_TO_LEADS[1, [0, 2]] = (-1.0, 1.0)
ELECTRODES_TO_LEADS[2:, :3] = -1.0 / 3.0
ELECTRODES_TO_LEADS[2:, 3:] = np.eye(6)
ELECTRODES_TO_LEADS.setflags(write=False)
LEAD_FIELD.setflags(write=False)


def twelve_leads(independent: Array) -> Array:
    """All twelve leads from the eight that are measured.

    Args:
        independent: ``(num_samples, 8)``, leads in the order of `INDEPENDENT`, in any unit.

    Returns:
        ``(num_samples, 12)`` in the order ``I II III aVR aVL aVF V1 ... V6`` and the same unit.

    Source:
        Einthoven's law III = II - I, and Goldberger's augmented leads aVR = -(I + II) / 2,
        aVL = I - II / 2, aVF = II - I / 2.

    Example:
        >>> twelve_leads(np.array([[1.0, 3.0, 0, 0, 0, 0, 0, 0]]))[0, :6]
        array([ 1. ,  3. ,  2. , -2. , -0.5,  2.5])
    """
    one, two = independent[:, 0], independent[:, 1]
    limb = (one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2)
    return np.column_stack((*limb, independent[:, 2:]))


def quantise(independent: Array, microvolts: float = 1.0) -> npt.NDArray[np.int16]:
    """The twelve leads as a recorder stores them.

    The eight measured leads are rounded first and the others computed from the rounded values, so
    that Einthoven's and Goldberger's identities hold to half a step.

    Args:
        independent: ``(num_samples, 8)`` in mV, leads in the order of `INDEPENDENT`.
        microvolts: of one step.

    Returns:
        int16 ``(num_samples, 12)`` in the order of `twelve_leads`.

    Example:
        >>> quantise(np.full((1, 8), 0.5))[0, :6]
        array([ 500,  500,    0, -500,  250,  250], dtype=int16)
    """
    steps = np.rint(independent * (1000.0 / microvolts))
    # -32768 means "no sample" in WFDB's format 16
    return np.clip(np.rint(twelve_leads(steps)), -32767, 32767).astype(np.int16)
