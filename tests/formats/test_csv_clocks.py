"""What CSV files say of their own sampling rate, and which rates that contradicts."""

import re

import pytest

from ecg_keras.errors import DataError
from ecg_keras.formats.csv_clocks import clock_of, stated_clock
from ecg_keras.formats.csv_files import read_csv


def times(step, form="{:.3f}", rows=20):
    return [form.format(row * step) for row in range(rows)]


@pytest.mark.parametrize(
    ("name", "cells", "right", "wrong"),
    [
        ("time", times(0.002), 500, 250),
        ("Zeit [s]", [one.replace(".", ",") for one in times(0.004)], 250, 500),
        ("t (ms)", times(4, "{:.0f}"), 250, 500),
        ("Time_ms", times(1, "{:.0f}"), 1000, 500),
        ("elapsed", times(2, "{:.0f}"), 500, 250),
        ("seconds", times(1 / 300, "{:.4f}"), 300, 360),
        ("timestamp", times(0.0025, "{:.4f}"), 400, 500),
        ("time", [f"{1700000000 + row * 0.002:.3f}" for row in range(20)], 500, 1000),
    ],
)
def test_a_column_of_time_contradicts_other_rates(name, cells, right, wrong):
    clock = clock_of(name, cells)
    assert not clock.contradicts(right) and clock.contradicts(wrong)
    assert repr(name) in clock.says


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("time", times(1, "{:.0f}")),  # counts samples
        ("sample", times(0.002)),
        ("", times(0.002)),
        ("time (s)", times(0.001, "{:.2f}", 9)),  # rounded to nothing
        ("time (s)", ["0", "0.002", "0.004", "0.1", "0.102"]),
        ("time", ["10:20:30", "10:20:31", "10:20:32"]),
        ("time (s)", ["0.004", "0.002", "0.000"]),
        ("time (s)", times(3600, "{:.0f}")),
        ("time (s)", ["0", "0.002"]),
    ],
)
def test_what_is_no_clock_contradicts_nothing(name, cells):
    assert clock_of(name, cells) is None


@pytest.mark.parametrize(
    ("line", "rate"),
    [
        ("Sampling rate: 250 Hz", 250),
        ("Sample Rate,512 hertz", 512),
        ("Abtastrate;500 Hz", 500),
        ("Sampling Frequency (kHz?) = 1 kHz", 1000),
        ("# fs=257.5", 257.5),
        ("Samplerate;999,56", 999.56),
    ],
)
def test_a_line_above_the_samples_states_the_rate(line, rate):
    clock = stated_clock(["Patient: 12", line])
    assert not clock.contradicts(rate) and clock.contradicts(rate * 1.1)
    assert (
        stated_clock(["Heart rate: 60", "Filter 0.05-150 Hz", "resampled, sample rate 9"]) is None
    )


def test_a_file_at_another_rate_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    rows = "".join(f"{row * 0.004:.3f},{row % 7},{row % 5}\n" for row in range(50))
    path.write_text(f"time,I,II\n{rows}")
    assert read_csv(path, sampling_rate=250, unit="mV").sampling_rate == 250
    with pytest.raises(
        DataError,
        match=r"a\.csv: its column 'time' steps by 0\.004, which is another sampling rate than 500 "
        r"Hz\. Set data\.folder\.sampling_rate to Hz",
    ):
        read_csv(path, sampling_rate=500, unit="mV")
    # a device that says its own rate, and the time of the samples that it exports
    path.write_text(f"Sample rate: 1000 Hz\ntime,I,II\n{rows}")
    assert read_csv(path, sampling_rate=250, unit="mV").sampling_rate == 250
    with pytest.raises(DataError, match=r"a line above its samples says 1000 Hz, which is another"):
        read_csv(path, sampling_rate=500, unit="mV")


@pytest.mark.parametrize(
    ("above", "says"),
    [
        ("Sampling rate: 250 Hz\n", "a line above its samples says 250 Hz"),
        ("time,{times}\n", "its row 'time' steps by 0.004"),
        ("lead,{numbers}\nt (ms),{ms}\n", "its row 't (ms)' steps by 4"),
    ],
)
def test_turned_rows_at_another_rate_are_refused(tmp_path, above, says):
    path = tmp_path / "a.csv"
    rows = "".join(f"{lead},{','.join(str(n % 7) for n in range(50))}\n" for lead in ("I", "II"))
    numbers, ms = range(50), times(4, "{:.0f}", 50)
    columns = {"times": times(0.004, rows=50), "numbers": map(str, numbers), "ms": ms}
    path.write_text(above.format(**{name: ",".join(one) for name, one in columns.items()}) + rows)
    assert read_csv(path, sampling_rate=250, unit="mV").values.shape == (50, 2)
    with pytest.raises(DataError, match=re.escape(f"a.csv: {says}, which is another sampling")):
        read_csv(path, sampling_rate=500, unit="mV")
