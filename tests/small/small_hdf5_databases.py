"""Small databases in the exact layout of those that are published as HDF5 files."""

import csv

import h5py
import numpy as np
from small_signals import microvolts

CLASSES = ["1dAVb", "RBBB", "LBBB", "SB", "AF", "ST"]
# CODE-test's order of the limb leads, as columns of the standard order
CODE_TEST_ORDER = [0, 1, 2, 4, 5, 3, 6, 7, 8, 9, 10, 11]
SAMPLES = 4096


def write_table(path, header, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])


def padded(seed, samples):
    """An ECG of 400 Hz in millivolts, in the middle of 4096 samples, zeros on both sides."""
    values = np.zeros((SAMPLES, 12))
    before = (SAMPLES - samples) // 2
    # sines are zero at the start: an offset keeps every recorded row from being zeros alone
    values[before : before + samples] = microvolts(seed, samples) / 1000
    values[before : before + samples, 6:] += 0.01
    return values


def write_code_test(root, lengths=(4000, 2800, 4000), findings=((), ("LBBB", "AF"), ("ST",))):
    """``ecg_tracings.hdf5`` in float64, ``attributes.csv`` and two of the annotations."""
    root.mkdir(parents=True, exist_ok=True)
    tracings = np.stack([padded(row, samples) for row, samples in enumerate(lengths)])
    with h5py.File(root / "ecg_tracings.hdf5", "w") as file:
        file["tracings"] = tracings[:, :, CODE_TEST_ORDER]
    flags = [[int(name in found) for name in CLASSES] for found in findings]
    write_table(root / "annotations" / "gold_standard.csv", CLASSES, flags)
    # the network's own readings have a column more
    own = [[row, *values] for row, values in enumerate(flags)]
    write_table(root / "annotations" / "dnn.csv", ["", *CLASSES], own)
    people = [[20 + 30 * row, "FM"[row % 2]] for row in range(len(lengths))]
    write_table(root / "attributes.csv", ["age", "sex"], people)


CODE15_HEADER = [
    *("exam_id", "age", "is_male", "nn_predicted_age"),
    *("1dAVb", "RBBB", "LBBB", "SB", "ST", "AF"),
    *("patient_id", "death", "timey", "normal_ecg", "trace_file"),
]
# exam, patient, part, samples, findings, normal
CODE15_EXAMS = [
    (1169160, 523632, 0, 4096, (), True),
    (2873686, 1724173, 0, 2934, ("1dAVb", "ST"), False),
    (168405, 523632, 1, 4096, (), False),
    (271011, 1737282, 1, 4000, ("SB",), False),
]


def write_code15(root, exams=CODE15_EXAMS):
    """``exams.csv`` and parts of float32, whose rows stand in another order than the table's."""
    root.mkdir(parents=True, exist_ok=True)
    for part in sorted({exam[2] for exam in exams}):
        inside = [exam for exam in exams if exam[2] == part][::-1]
        rows = [padded(exam[0], exam[3]) for exam in inside]
        with h5py.File(root / f"exams_part{part}.hdf5", "w") as file:
            file["exam_id"] = np.array([*(exam[0] for exam in inside), 0])
            file["tracings"] = np.array([*rows, np.zeros((SAMPLES, 12))], dtype="f4")
    table = []
    for exam, patient, part, _, found, normal in exams:
        flags = [name in found for name in CODE15_HEADER[4:10]]
        # follow-up is known of a patient's first exam alone
        table.append([exam, 38, exam % 2 == 0, 40.16, *flags, patient, "", "", normal])
        table[-1].append(f"exams_part{part}.hdf5")
    write_table(root / "exams.csv", CODE15_HEADER, table)


SPH_RECORDS = [
    ("A00001", "22;23", "S00001", 55, "M", 5000),
    ("A00002", "1;1", "S00002", 32, "F", 5500),
    ("A00003", "60+310;147+362;161+332", "S00003", 63, "M", 6000),
    ("A00004", "106;142", "S00001", 56, "M", 5000),
]


def write_sph(root, records=SPH_RECORDS):
    """``metadata.csv`` and a file of float16 millivolts, lead by lead, for each recording."""
    (root / "records").mkdir(parents=True, exist_ok=True)
    table = []
    for number, (name, codes, patient, age, sex, samples) in enumerate(records):
        with h5py.File(root / "records" / f"{name}.h5", "w") as file:
            file["ecg"] = (microvolts(number, samples).T / 1000).astype("f2")
        table.append([name, codes, patient, age, sex, samples, "2020-03-04"])
    header = ["ECG_ID", "AHA_Code", "Patient_ID", "Age", "Sex", "N", "Date"]
    write_table(root / "metadata.csv", header, table)
    write_table(root / "code.csv", ["Category", "Code", "Description"], [["A", 1, "Normal ECG"]])
