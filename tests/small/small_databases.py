"""Small databases in the exact layout of the real ones, one for each entry of `SOURCES`."""

from pathlib import Path

import numpy as np
from small_folder import write_folder
from small_hdf5_databases import write_code15, write_code_test, write_sph
from small_original_layouts import write_chapman_csv, write_ptb_diagnostic
from small_signals import RATE, microvolts

from ecg_keras.signals import LEADS
from ecg_keras.simulate import simulate

SECONDS = 10
TWO_LEADS = "r 2 500 4\nr.dat 16 1000(0)/mV 16 0 0 0 0 I\nr.dat 16 500(-8)/mV 16 0 0 0 0 II\n"


def write_wfdb(folder, header=TWO_LEADS, samples=(1000, 492, -1000, 992, 0, -8, -32768, 5)):
    """A WFDB record ``r`` of two leads and four samples, the last of lead I missing."""
    (folder / "r.hea").write_text(header)
    np.array(samples, dtype="<i2").tofile(folder / "r.dat")
    return folder / "r"


def write_challenge_record(
    folder, name, *, dx, age="56", sex="Female", rate=RATE, seconds=SECONDS, seed=0
):
    """A header and a MATLAB v4 file as in the Challenge of 2021."""
    folder.mkdir(parents=True, exist_ok=True)
    values = microvolts(seed, rate * seconds, rate)
    lines = [f"{name} 12 {rate} {len(values)} 12-May-2020 12:33:59"]
    lines += [
        f"{name}.mat 16+24 1000/mV 16 0 {value} 0 0 {lead}"
        for lead, value in zip(LEADS, values[0], strict=True)
    ]
    lines += [f"#Age: {age}", f"#Sex: {sex}", f"#Dx: {dx}", "#Rx: Unknown", "#Hx: Unknown"]
    (folder / f"{name}.hea").write_text("\n".join(lines) + "\n")
    matlab = np.array([30, 12, len(values), 0, 4], dtype="<i4").tobytes() + b"val\0"
    (folder / f"{name}.mat").write_bytes(matlab + values.tobytes())


# sinus rhythm, atrial fibrillation with right bundle branch block, and a list that ends early
DX = ("426783006", "164889003,59118001", "426783006,")


def write_challenge_set(root, names, rate=RATE, seconds=SECONDS, dx=DX):
    for number, name in enumerate(names):
        folder = root / f"g{number // 2 + 1}"
        age = str(51 + number)  # in the set ptb, neighbours of one age and sex would be one person
        write_challenge_record(
            folder, name, dx=dx[number % len(dx)], age=age, rate=rate, seconds=seconds, seed=number
        )


def write_ludb_record(root, number, texts, *, age="51", sex="F"):
    """A header and a signal file as in LUDB: lowercase leads, and as gain each lead's span."""
    folder = root / "data"
    folder.mkdir(parents=True, exist_ok=True)
    values = microvolts(number, RATE * SECONDS)
    lines = [f"{number} 12 {RATE} {len(values)}"]
    lines += [
        f"{number}.dat 16 {np.ptp(values[:, column])}({column - 3})/mV 0 0 0 0 0 {lead.lower()}"
        for column, lead in enumerate(LEADS)
    ]
    lines += [f"#<age>: {age}", f"#<sex>: {sex}", "#<diagnoses>:"]
    lines += [f"#{text}. " for text in texts]
    (folder / f"{number}.hea").write_text("\n".join(lines))
    values.tofile(folder / f"{number}.dat")


def write_ludb(root):
    write_ludb_record(root, 1, ["Rhythm: Sinus rhythm", "Electric axis of the heart: normal"])
    write_ludb_record(root, 2, ["Rhythm: Atrial fibrillation", "Left ventricular hypertrophy"])
    write_ludb_record(root, 10, ["Rhythm: Sinus bradycardia", "STEMI: septal"], age="90", sex="M")


def write_chapman_ningbo(root):
    write_challenge_set(root / "WFDBRecords", ["JS00001", "JS01053", "JS45551"])
    (root / "ConditionNames_SNOMED-CT.csv").touch()


def write_incart(root):
    """Holter recordings, shorter than the true 30 minutes."""
    for number, name in enumerate(["I0001", "I0002", "I0075"]):
        dx = ("164884008,251182009", "426783006", "53741008,164884008")[number]
        write_challenge_record(
            root / "g1", name, dx=dx, age="65", sex="FM"[number % 2], rate=257, seed=number
        )


def write_challenge(root):
    write_challenge_set(root / "cpsc_2018", ["A0001", "A0002", "A0003"])
    write_challenge_set(root / "georgia", ["E00001", "A0001"])
    write_incart(root / "st_petersburg_incart")


# for each source a function that writes a database of at least three recordings below a folder
DATABASES = {
    "ptbxl": lambda root: simulate(root, hospital="lakeside", records=10),
    "cpsc2018": lambda root: write_challenge_set(root, ["A0001", "A0002", "A6877"]),
    "cpsc2018_extra": lambda root: write_challenge_set(root, ["Q0001", "Q0002", "Q3581"]),
    "georgia": lambda root: write_challenge_set(root, ["E00001", "E00002", "E10344"]),
    "ptb": lambda root: write_challenge_set(root, ["S0001", "S0002", "S0549"], rate=1000),
    "ptbxl_challenge": lambda root: write_challenge_set(root, ["HR00001", "HR00002", "HR21837"]),
    "chapman": lambda root: write_challenge_set(root, ["JS00001", "JS10599", "JS10646"]),
    "ningbo": lambda root: write_challenge_set(root, ["JS10647", "JS11000", "JS45551"]),
    "chapman_ningbo": write_chapman_ningbo,
    "incart": write_incart,
    "challenge": write_challenge,
    "ludb": write_ludb,
    "ptb_diagnostic": write_ptb_diagnostic,
    "chapman_csv": write_chapman_csv,
    "sph": write_sph,
    "code15": write_code15,
    "code_test": write_code_test,
    "simulated": lambda root: simulate(root, hospital="riverside", records=10),
    "folder": write_folder,
}


def write_database(name, root):
    root = Path(root)
    DATABASES[name](root)
    return root
