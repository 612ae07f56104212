"""Small databases as their authors published them, before the Challenge copied them."""

import openpyxl
from small_signals import microvolts

from ecg_keras.signals import LEADS
from ecg_keras.simulate.layouts import header_lines

PTB_FIELDS = """Diagnose:
Reason for admission: {reason}
Acute infarction (localization): infero-latera
Former infarction (localization): no
Additional diagnoses: Diabetes mellitus
Smoker: no
Number of coronary vessels involved: 1
Infarction date (acute): 29-Sep-90
Previous infarction (1) date: n/a
Hemodynamics:
Catheterization date: 16-Oct-90
Peripheral blood Pressure (syst/diast):  140/80 mmHg
Pulmonary artery pressure (laod) (mean): n/a
Cardiac output (at rest): 4,34 l/min
Echocardiography: n/a
Therapy:
Infarction date: 29-Sep-90
Catheterization date: 20-Oct-90
Medication pre admission: Isosorbit-Dinitrate Digoxin
Additional medication: n/a"""


def write_ptb_record(
    root, name, reason="Myocardial infarction", *, age="81", sex="female", samples=12000, seed=0
):
    """Twelve leads of 2000 steps a millivolt in ``.dat``, three Frank leads in ``.xyz``."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    values = 2 * microvolts(seed, samples)
    frank = values[:, [0, 5, 7]]
    lines = [f"{path.name} 15 1000 {samples}"]
    leads = [lead.lower() for lead in LEADS]
    lines += header_lines(values, f"{path.name}.dat 16 2000 16 0", leads, signed=True)
    lines += header_lines(frank, f"{path.name}.xyz 16 2000 16 0", ("vx", "vy", "vz"), signed=True)
    fields = [f"age: {age}", f"sex: {sex}", "ECG date: 01/10/1990"]
    fields += PTB_FIELDS.format(reason=reason).splitlines()
    lines += [f"# {field}" for field in fields]
    path.with_suffix(".hea").write_bytes("\r\n".join([*lines, ""]).encode())
    values.astype("<i2").tofile(path.with_suffix(".dat"))
    frank.astype("<i2").tofile(path.with_suffix(".xyz"))


PTB_RECORDS = {
    "patient001/s0010_re": "Myocardial infarction",
    "patient001/s0014lre": "Myocardial infarction",
    "patient104/s0306lre": "Healthy control",
    "patient180/s0374lre": "Healthy control",
    "patient200/s0400lre": "n/a",
    "patient199/s0404lre": "Heart failure (NYHA 3)",
}


def write_ptb_diagnostic(root):
    for seed, (name, reason) in enumerate(PTB_RECORDS.items()):
        write_ptb_record(root, name, reason, seed=seed)
    (root / "RECORDS").write_text("\n".join(PTB_RECORDS) + "\n")
    controls = [name for name, reason in PTB_RECORDS.items() if reason == "Healthy control"]
    (root / "CONTROLS").write_text("\n".join(controls) + "\n")


CHAPMAN_HEADER = [
    *("FileName", "Rhythm", "Beat", "PatientAge", "Gender", "VentricularRate", "AtrialRate"),
    *("QRSDuration", "QTInterval", "QTCorrected", "RAxis", "TAxis", "QRSCount", "QOnset"),
    *("QOffset", "TOffset"),
]
CHAPMAN_ROWS = [
    ["MUSE_20180113_171327_27000", "AFIB", "RBBB TWC", 85, "MALE"],
    ["MUSE_20180112_073319_29000", "SB", "TWC", 59, "FEMALE"],
    ["MUSE_20180111_165520_97000", "SA", "NONE", 20, "FEMALE"],
]


def write_chapman_csv(root, rows=CHAPMAN_ROWS):
    """``Diagnostics.xlsx`` and a CSV file of microvolts with a header for each recording."""
    folder = root / "ECGData"
    folder.mkdir(parents=True, exist_ok=True)
    book = openpyxl.Workbook()
    book.active.append(CHAPMAN_HEADER)
    for seed, row in enumerate(rows):
        book.active.append([*row, *range(117, 117 + len(CHAPMAN_HEADER) - len(row))])
        # the recorder's step is 4.88 µV, and the sums of the limb leads are as exact as that
        values = 4.88 * (microvolts(seed, 5000) // 4)
        values[:, 2] = values[:, 1] - values[:, 0]
        lines = [",".join(LEADS), *(",".join(f"{value:.5g}" for value in line) for line in values)]
        (folder / f"{row[0]}.csv").write_text("\n".join(lines) + "\n")
    book.save(root / "Diagnostics.xlsx")
