"""One recording of a simulated hospital, written in every format."""

import gzip
from pathlib import Path

import h5py
import numpy as np
from scipy.io import savemat
from small_folder import write_csv, write_dicom, write_edf, write_wfdb
from small_scp import write_scp
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


def write_wfdb_in_matlab(path: Path, values: np.ndarray) -> None:
    """As the PhysioNet Challenges publish recordings."""
    write_wfdb(path.with_suffix(""), values)
    path.with_suffix(".dat").unlink()
    samples = path.with_suffix(".mat")
    savemat(samples, {"val": values.T.astype("<i2")}, format="4")
    text = path.read_text().replace(f"{path.stem}.dat 16 ", f"{samples.name} 16+24 ")
    path.write_text(text)


def write_gzip(path: Path, values: np.ndarray) -> None:
    write_csv(path, values)
    path.write_bytes(gzip.compress(path.read_bytes()))


WRITERS = {
    "r.hea": lambda path, values: write_wfdb(path.with_suffix(""), values),
    "m.hea": write_wfdb_in_matlab,
    "r.csv": write_csv,
    "r.csv.gz": write_gzip,
    "r.tsv": lambda path, values: write_csv(path, values, separator="\t"),
    "r.txt": lambda path, values: write_csv(path, values, separator="\t"),
    "r.edf": write_edf,
    "r.dcm": write_dicom,
    "1.2.840.77": write_dicom,
    "r.xml": write_xml,
    "r.scp": write_scp,
    "r.h5": write_hdf5,
    "r.hdf5": write_hdf5,
    "r.npy": lambda path, values: np.save(path, values.astype("f4")),
    "r.npz": lambda path, values: np.savez_compressed(path, ecg=values.T),
}
# of these, those that a folder is not searched for
NAMED = ("r.txt", "r.npy", "r.npz")
