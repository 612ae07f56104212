"""A hospital's own export: recordings of every format that `folder` reads, and a labels table."""

import edfio
import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from small_signals import RATE, microvolts

from ecg_keras.config import Data
from ecg_keras.signals import LEADS
from ecg_keras.sources import source_of

TWELVE_LEAD_ECG = "1.2.840.10008.5.1.4.1.1.9.1.1"
SCP_NUMBERS = (1, 2, 61, 62, 63, 64, 3, 4, 5, 6, 7, 8)
TABLE = "file,patient_id,age,sex,AF,MI\n"


def folder_source(root, settings):
    """The source of your own recordings, as a recipe's ``data.folder`` reads them."""
    return source_of(Data(source="folder", raw=root, folder=settings))


def write_wfdb(path, values, *, rate=RATE, leads=LEADS):
    """Microvolts as WFDB format 16; ``path`` is without an ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{path.name} {len(leads)} {rate} {len(values)}"]
    lines += [f"{path.name}.dat 16 1000/mV 16 0 0 0 0 {lead}" for lead in leads]
    path.with_name(f"{path.name}.hea").write_text("\n".join(lines) + "\n")
    values.astype("<i2").tofile(path.with_name(f"{path.name}.dat"))


def write_csv(path, values, *, leads=LEADS, separator=","):
    """Microvolts as text, the leads in a header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [leads, *values.tolist()]
    path.write_text("\n".join(separator.join(map(str, row)) for row in rows) + "\n")


def write_edf(path, values, *, rate=RATE, leads=LEADS, unit="uV", span=32768, prefix="ECG "):
    """Microvolts as EDF whose 16-bit steps are ``2 * span / 65536`` units of ``unit``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    signals = [
        edfio.EdfSignal(
            values[:, column] / {"uV": 1, "mV": 1000, "V": 1_000_000}[unit],
            rate,
            label=f"{prefix}{lead}",
            physical_dimension=unit,
            physical_range=(-span, span),
            digital_range=(-32768, 32767),
        )
        for column, lead in enumerate(leads)
    ]
    edfio.Edf(signals).write(path)


def coded(value, scheme, meaning):
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def dicom_channel(number, *, scheme="SCPECG", unit="uV", sensitivity=1.0, baseline=0.0):
    """The definition of the channel with the lead of that number."""
    codes = {"SCPECG": f"5.6.3-9-{SCP_NUMBERS[number]}", "MDC": f"2:{SCP_NUMBERS[number]}"}
    channel = Dataset()
    channel.ChannelSampleSkew = "0"
    channel.WaveformBitsStored = 16
    channel.ChannelSourceSequence = Sequence(
        [coded(codes.get(scheme, "x"), scheme, f"Lead {LEADS[number]} (Einthoven)")]
    )
    channel.ChannelSensitivity = sensitivity
    channel.ChannelSensitivityUnitsSequence = Sequence([coded(unit, "UCUM", unit)])
    channel.ChannelSensitivityCorrectionFactor = 1.0
    channel.ChannelBaseline = baseline
    return channel


def dicom_group(stored, channels, *, rate=RATE, originality="ORIGINAL", label="RHYTHM"):
    """A multiplex group of stored 16-bit samples."""
    group = Dataset()
    group.WaveformOriginality, group.MultiplexGroupLabel = originality, label
    group.NumberOfWaveformChannels, group.NumberOfWaveformSamples = len(channels), len(stored)
    group.SamplingFrequency = rate
    group.ChannelDefinitionSequence = Sequence(channels)
    group.WaveformBitsAllocated, group.WaveformSampleInterpretation = 16, "SS"
    group.WaveformData = stored.astype("<i2").tobytes()
    return group


def dicom_dataset(groups):
    """A 12-lead ECG object; the person in it is never read."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = TWELVE_LEAD_ECG
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = generate_uid()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.Modality, dataset.PatientName, dataset.PatientID = "ECG", "Nobody^At All", "secret"
    dataset.WaveformSequence = Sequence(groups)
    return dataset


def save_dicom(path, dataset):
    path.parent.mkdir(parents=True, exist_ok=True)
    pydicom.dcmwrite(path, dataset, enforce_file_format=True)


def write_dicom(path, values, *, scheme="SCPECG"):
    """Microvolts as a 12-lead ECG object: the recording, then an average beat."""
    channels = [dicom_channel(number, scheme=scheme) for number in range(12)]
    beat = dicom_group(values[:600], channels, originality="DERIVED", label="MEDIAN BEAT")
    save_dicom(path, dicom_dataset([dicom_group(values, channels), beat]))


def write_folder(root, records=3, signal=lambda number: microvolts(number, 10 * RATE)):
    """Recordings in the formats that say all about themselves, in turn, and their table.

    ``signal`` gives the microvolts of a recording by its number.
    """
    writers = ((write_wfdb, "wfdb/w{}"), (write_edf, "edf/e{}.edf"), (write_dicom, "dicom/d{}.dcm"))
    rows = []
    for number in range(records):
        write, name = writers[number % 3]
        file, age = name.format(number), number + 40 if number % 4 else ""
        write(root / file, signal(number))
        rows.append(f"{file},p{number},{age},{'FM'[number % 2]},{number % 2},{int(number > 1)}\n")
    (root / "labels.csv").write_text(TABLE + "".join(rows))


def as_stored(values):
    """Microvolts as the float32 millivolts of a reader."""
    return values.astype(np.float32) / np.float32(1000)
