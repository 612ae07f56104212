"""One recording of a simulated hospital, written in every format."""

from pathlib import Path

import h5py
import numpy as np
from small_folder import write_csv, write_dicom, write_edf, write_wfdb
from small_xml import muse_waveform, write_muse

from ecg_keras.formats import find_recording, read_recording


def read_microvolts(header: Path) -> np.ndarray:
    """Whole microvolts of a recording."""
    signal = read_recording(*find_recording(header))
    return np.rint(1000 * signal.values).astype(int)


def write_hdf5(path: Path, values: np.ndarray) -> None:
    with h5py.File(path, "w") as file:
        file["ecg"] = values.T.astype("f4")


def write_xml(path: Path, values: np.ndarray) -> None:
    leads = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
    write_muse(path, muse_waveform(values[:, [0, 1, *range(6, 12)]], leads, per_bit="1"))


WRITERS = {
    "r.hea": lambda path, values: write_wfdb(path.with_suffix(""), values),
    "r.csv": write_csv,
    "r.csv.gz": None,
    "r.edf": write_edf,
    "r.dcm": write_dicom,
    "1.2.840.77": write_dicom,
    "r.xml": write_xml,
    "r.h5": write_hdf5,
}
