"""What CSV files say of their own sampling rate, and which rates that contradicts."""

import re

import numpy as np
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
        ("time (ms)", [f"{row * 1e-322:.340f}" for row in range(5)]),
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
        ("Sampling rate: 500 samples per second", 500),
        ("Sampling rate/bits: 24 bit 500 Hz", 500),
        ("Sample rate, resolution: 16-bit, 0.25 kHz", 250),
        ("Sampling rate: 250 Hz, 12 leads, 500 s", 250),
    ],
)
def test_a_line_above_the_samples_states_the_rate(line, rate):
    clock = stated_clock(["Patient: 12", line])
    assert not clock.contradicts(rate) and clock.contradicts(rate * 1.1)
    assert (
        stated_clock(["Heart rate: 60", "Filter 0.05-150 Hz", "resampled, sample rate 9"]) is None
    )


@pytest.mark.parametrize(
    ("lines", "rates"),
    [
        (["Sample rate of the module 8000 Hz, output 500 Hz"], (8000, 500)),
        (["Sampling rate and filter: 500, 0.05-150 Hz"], (500, 150)),
        (["Sampling rate: 500 sps, filter 150 Hz"], (500, 150)),
        (["Sample rate of the module: 8 kHz", "Sample rate: 500 Hz"], (8000, 500)),
    ],
)
def test_one_of_several_rates_must_be_that_of_the_samples(lines, rates):
    clock = stated_clock(lines)
    assert not any(map(clock.contradicts, rates)) and clock.contradicts(1000)
    assert clock.says == f"a line above its samples says {rates[0]} or {rates[1]} Hz"


@pytest.mark.parametrize(
    "line", ["Sampling rate: 24 bit", "Sampling rate: 12 leads", "Sample rate: see page 7"]
)
def test_a_line_without_a_rate_says_none(line):
    assert stated_clock([line]) is None


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


def write_times(path, cells, name="time", separator=","):
    """Two leads that count the samples, beside cells of times, and what reads them."""
    rows = [f"{cell}{separator}{row}{separator}{row % 7}" for row, cell in enumerate(cells)]
    path.write_text("\n".join([separator.join((name, "I", "II")), *rows]) + "\n")
    return path


def turn(path):
    """The same with a row for each column."""
    columns = zip(*(line.split(",") for line in path.read_text().splitlines()), strict=True)
    path.write_text("\n".join(map(",".join, columns)) + "\n")


NUMBERS = np.arange(3000)
LOST = NUMBERS + 250 * (NUMBERS >= 1000)
AGAIN = NUMBERS - 60 * (NUMBERS >= 1000)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("numbers", "form", "step", "says"),
    [
        (LOST, "{:.3f}", 0.002, "1001 of the samples comes 0.5 s late"),
        (AGAIN, "{:.4f}", 0.002, "1001 of the samples comes 0.12 s early"),
        (LOST, "{:.0f}", 2, "1001 of the samples comes 0.5 s late"),
        (NUMBERS % 1500, "{:.3f}", 0.002, "1501 of the samples comes 3 s early"),
        (NUMBERS + (NUMBERS > 40), "{:.5f}", 0.002, "42 of the samples comes 0.002 s late"),
        (LOST, "{:.6g}", 0.002, "1001 of the samples comes 0.5 s late"),
        (LOST, "{:.4e}", 0.002, "1001 of the samples comes 0.5 s late"),
        (LOST + 850_000_000_000, "{:.3f}", 0.002, "1001 of the samples comes 0.5 s late"),
    ],
)
def test_what_was_lost_or_is_there_twice_is_refused(tmp_path, turned, numbers, form, step, says):
    path = write_times(tmp_path / "a.csv", [form.format(number * step) for number in numbers])
    if turned:
        turn(path)
    what = "its row 'time', cell" if turned else "its column 'time', line"
    message = f"a.csv: interrupted: by {what} {says}, and the parts would be joined. Export its"
    with pytest.raises(DataError, match=re.escape(message)):
        read_csv(path, sampling_rate=500, unit="mV")


def test_only_the_part_that_is_read_must_be_whole(tmp_path):
    path = write_times(tmp_path / "a.csv", [f"{number / 500:.3f}" for number in LOST])
    quoted = write_times(tmp_path / "b.csv", [f'"{number / 500:.3f}"' for number in LOST])
    for file in (path, quoted):
        for span, begin in (((0, 2), 0), ((2, 4.5), 1000)):
            signal = read_csv(file, sampling_rate=500, unit="mV", span=span)
            assert signal.start == begin and signal.values[0, 0] == begin
        with pytest.raises(DataError, match=r"line 1001 of the samples comes 0\.5 s late"):
            read_csv(file, sampling_rate=500, unit="mV", span=(1, 3))


def jittery(share, every=1):
    """Times at 500 Hz that are off by up to a share of a sample, from the second second on."""
    off = np.random.default_rng(0).uniform(-share, share, len(NUMBERS) // every).repeat(every)
    return [f"{(number + late * (number > 500)) / 500:.6f}" for number, late in enumerate(off)]


MILLISECONDS = [f"{number * 1000 / 360:.0f}" for number in NUMBERS]
SOUND = {
    "exact": (500, [f"{number / 500}" for number in NUMBERS]),
    "three decimals": (360, [f"{number / 360:.3f}" for number in NUMBERS]),
    "two decimals": (500, [f"{number / 500:.2f}" for number in NUMBERS]),
    "whole milliseconds": (360, MILLISECONDS),
    "milliseconds in groups": (500, [f'"{2 * number:,}"' for number in NUMBERS]),
    "milliseconds in groups of points": (500, [f"{2 * n:,}".replace(",", ".") for n in NUMBERS]),
    "five digits": (500, [f"{number / 500:.5g}" for number in range(60_000)]),
    "digits of powers": (500, [f"{number / 500:.4e}" for number in range(60_000)]),
    "single precision": (125, [f"{np.float32(n / 125)}" for n in range(2_040_000, 2_060_000)]),
    "seconds since 1970": (500, [f"{1_700_000_000 + n / 500:.3f}" for n in NUMBERS]),
    "some missing": (500, [f"{n / 500:.3f}" if n % 100 or n < 30 else "" for n in NUMBERS]),
    "missing from somewhere on": (500, [f"{n / 500:.3f}" if n < 500 else "-" for n in NUMBERS]),
    "words in it": (500, [f"{n / 500:.3f}" if n != 500 else "beat" for n in NUMBERS]),
    "seconds of a minute": (20, [f"{n % 1200 / 20:.2f}" for n in NUMBERS]),
    "a counter of 16 bits": (1000, [f"{n * 1000 % 2**16}" for n in NUMBERS]),
    "jitter of a third of a sample": (500, jittery(0.3)),
    "jitter of samples": (500, jittery(3)),
    "jitter of packets": (500, jittery(5, 75)),
    "a late packet": (500, [f"{(n + 9 * (700 < n < 770)) / 500:.3f}" for n in NUMBERS]),
    "a wrong time": (500, [f"{n / 500 * (n != 900):.3f}" for n in NUMBERS]),
    "rounded to seconds": (500, [f"{n // 500}" for n in NUMBERS]),
    "times of day": (500, [f"10:00:{n / 500:06.3f}" for n in NUMBERS]),
    "dates": (500, [f"2024-03-01 10:00:{n / 500:06.3f}" for n in NUMBERS]),
    "times of day, with a gap": (500, [f"10:00:{n / 500:06.3f}" for n in LOST]),
    "another step later": (500, [f"{n / 500 + max(0, n - 999) / 9000:.6f}" for n in NUMBERS]),
}


@pytest.mark.parametrize(("rate", "cells"), SOUND.values(), ids=SOUND)
def test_sound_times_are_read(tmp_path, rate, cells):
    for separator in (";", "\t"):
        path = write_times(tmp_path / "a.csv", cells, separator=separator)
        assert len(read_csv(path, sampling_rate=rate, unit="mV").values) == len(cells)


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("ms", [f"{2 * n % 1000}" for n in NUMBERS]),  # of a second, beside a time of day
        ("Zeit [s]", [f"{n / 500:.3f}".replace(".", ",") for n in NUMBERS]),
        ("time_us", [f"{(n * 2000 + 2**32 - 10**6) % 2**32}" for n in NUMBERS]),
    ],
)
def test_sound_times_in_their_units_are_read(tmp_path, name, cells):
    path = write_times(tmp_path / "a.csv", cells, name, ";")
    assert clock_of(name, cells[:24]) is not None
    assert len(read_csv(path, sampling_rate=500, unit="mV").values) == len(cells)


def test_of_a_line_the_first_200_characters_are_looked_at():
    line = f"Sample rate: 512 Hz{180 * 'x'}"
    assert stated_clock([line]) == stated_clock([f"{line}xx"]) is not None
    assert stated_clock([f"{190 * 'x'} {line}"]) is None
