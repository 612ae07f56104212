"""EDF files written by edfio, and damaged by hand."""

import resource
import warnings

import edfio
import numpy as np
import pytest
from small_folder import RATE, write_edf
from small_signals import microvolts

from ecg_keras.data.formats.edf import read_edf
from ecg_keras.errors import DataError
from ecg_keras.signals import LEADS

VALUES = microvolts(4, 2 * RATE)


@pytest.fixture
def path(tmp_path):
    write_edf(tmp_path / "e.edf", VALUES)
    return tmp_path / "e.edf"


def overwrite(path, place, text):
    content = bytearray(path.read_bytes())
    content[place : place + len(text)] = text
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("unit", "span", "step"),
    [("uV", 32768, 1e-3), ("uV", 3277, 1e-4), ("mV", 5, 1.6e-4), ("V", 0.01, 3.1e-4)],
)
def test_a_round_trip_is_within_a_step(tmp_path, unit, span, step):
    write_edf(tmp_path / "e.edf", VALUES, unit=unit, span=span)
    signal = read_edf(tmp_path / "e.edf")
    assert signal.leads == LEADS and signal.sampling_rate == RATE
    assert signal.values.dtype == np.float32
    assert np.abs(signal.values - VALUES / 1000).max() < step


@pytest.mark.parametrize("prefix", ["", "ECG ", "ecg ", "MDC_ECG_LEAD_", "Lead "])
def test_leads_are_known_by_their_labels(tmp_path, prefix):
    write_edf(tmp_path / "e.edf", VALUES, prefix=prefix)
    assert read_edf(tmp_path / "e.edf").leads == LEADS


def test_what_is_no_lead_is_left_out_whatever_its_rate_and_unit(tmp_path):
    lead = edfio.EdfSignal(VALUES[:, 0] / 1000, RATE, label="ECG I", physical_dimension="mV")
    breath = edfio.EdfSignal(
        np.zeros(50), 25, label="Resp", physical_dimension="Ohm", physical_range=(-1, 1)
    )
    notes = [edfio.EdfAnnotation(0.5, None, "beat")]
    edfio.Edf([breath, lead], annotations=notes).write(tmp_path / "e.edf")
    signal = read_edf(tmp_path / "e.edf")
    assert signal.leads == ("I",) and signal.values.shape == (2 * RATE, 1)
    assert np.abs(signal.values[:, 0] - VALUES[:, 0] / 1000).max() < 1e-3


def test_a_signal_stored_upside_down_is_turned_by_its_own_range(tmp_path):
    write_edf(tmp_path / "e.edf", VALUES)
    before = read_edf(tmp_path / "e.edf").values
    # physical minimum and maximum of the first signal stand behind labels, transducers and units
    start = 256 + 12 * (16 + 80 + 8)
    overwrite(tmp_path / "e.edf", start, b"32768   ")
    overwrite(tmp_path / "e.edf", start + 12 * 8, b"-32768  ")
    after = read_edf(tmp_path / "e.edf").values
    assert np.allclose(after[:, 0], -before[:, 0], atol=1e-3)
    assert np.array_equal(after[:, 1:], before[:, 1:])


def test_leads_of_several_rates_are_refused(tmp_path):
    signals = [
        edfio.EdfSignal(np.linspace(0, 1, rate), rate, label=lead, physical_dimension="mV")
        for lead, rate in (("I", 500), ("II", 250))
    ]
    edfio.Edf(signals).write(tmp_path / "e.edf")
    with pytest.raises(DataError, match=r"e\.edf: .*one sampling rate.*Received: 250, 500 Hz"):
        read_edf(tmp_path / "e.edf")


@pytest.mark.parametrize(
    ("place", "text", "message"),
    [
        (0, b"\xffBIOSEMI", "no EDF file: it does not begin as one"),
        (192, b"EDF+D", r"an interrupted recording \(EDF\+D\)"),
        (236, b"-1      ", "promises -1 data records"),
        (236, b"99999999", "truncated or damaged: it holds 2 data records, .* promises 99999999"),
        (236, b"many    ", "no EDF file: "),
        (252, b"0   ", "promises 2 data records of 0 signals"),
        (184, b"256     ", "promises 2 data records of 12 signals after 256 bytes"),
        (256, b"Resp            " * 12, "none of its signals is one of the leads.*Received: Resp"),
        (256 + 12 * 96, b"mmHg    ", r"lead I is in 'mmHg'\. Allowed: V, mV, uV"),
        (256 + 12 * 104, b"32768   ", "lead I has no valid calibration: -32768 to 32767 would be"),
        (256 + 12 * 104, b"x       ", "lead I has no valid calibration: "),
        (256 + 12 * 120, b"32767   ", "lead I has no valid calibration: .*division by zero"),
        (256 + 12 * 104, b"-1e300  ", "lead I has no valid calibration: "),
        (256 + 12 * 216, b"99999999", "no EDF file that can be read|truncated or damaged"),
        (244, b"0       ", "no EDF file that can be read|sampling rate above 0"),
    ],
)
def test_damage_is_named(path, place, text, message):
    overwrite(path, place, text)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DataError, match=rf"e\.edf: .*{message}"):
            read_edf(path)


@pytest.mark.parametrize("kept", [100, 1000, 5000, -2])
def test_truncated_files_are_refused(path, kept):
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DataError, match=r"e\.edf: "):
        read_edf(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"gone\.edf: No such file"):
        read_edf(tmp_path / "gone.edf")


def test_a_file_as_long_as_it_promises_takes_no_memory(path):
    overwrite(path, 236, b"10000000")
    with path.open("r+b") as file:
        # sparse: nothing on the disk
        file.truncate(13 * 256 + 10_000_000 * 12 * RATE * 2)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(DataError, match=r"e\.edf: 5000000000 samples of 12 leads are more than"):
        read_edf(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB
