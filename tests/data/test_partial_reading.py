"""Recordings are read as far as needed, and judged by what is kept of them."""

import errno
import os
import re
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from small_folder import folder_source

from ecg_keras.config import Data, Folder
from ecg_keras.data.conversion import Converted, Dropped, Quarantined, convert
from ecg_keras.data.partial_reading import read_kept, read_windows
from ecg_keras.data.recording_parts import FIRST, reader_of
from ecg_keras.data.source_check import Verified, verify_source
from ecg_keras.errors import ConfigError, DataError, GapError
from ecg_keras.records import RecordInfo, Signal, cut_signal, span_samples
from ecg_keras.signals import LEADS, Repair, resample


def alive(samples, rate, seed=0):
    """Twelve leads that obey the identities, with beats and noise; float32 millivolts."""
    random = np.random.default_rng(seed)
    time = np.arange(samples)[:, None] / rate
    eight = np.sin(2 * np.pi * 1.1 * time) ** 15 * random.uniform(0.3, 1.5, 8)
    eight += random.normal(size=eight.shape) * 0.01
    one, two, *chest = eight.T
    limb = [one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2]
    return np.stack([*limb, *chest], axis=1).astype(np.float32)


class Whole:
    """A source that reads whole recordings, as one without ``span`` does."""

    def __init__(self, values, rate=250.0):
        self.signal, self.spans = Signal(values, rate, LEADS), []

    def read_signal(self, info):
        return self.signal


class Partial(Whole):
    """A source that reads the wanted seconds."""

    def read_signal(self, info, span=None):
        self.spans.append(span)
        return cut_signal(self.signal, span)


def info_of(name="r1"):
    return RecordInfo(name, name, f"{name}.dat", ())


def settings_of(**changes):
    return Data(source="folder", raw="raw", **changes)


def keep(source, repair=None, **changes):
    return read_kept(reader_of(source), info_of(), settings_of(**changes), repair or Repair())


def stored(kept, **changes):
    rates = kept.signal.sampling_rate, settings_of(**changes).sampling_rate
    start, stop = kept.window
    part = {"offset": kept.signal.start, "total": kept.total}
    return resample(kept.signal.values, *rates, start=start, stop=stop, **part)


def convert_one(source, monkeypatch, **changes):
    """What becomes of the one record of a source."""
    monkeypatch.setattr("ecg_keras.data.conversion.source_of", lambda data: source)
    (outcome,) = convert([info_of()], settings_of(**changes), Verified())
    return outcome


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from([100.0, 250.0, 257.0, 499.97]),
    st.floats(3, 200),
    st.sampled_from(["start", "centre", "best"]),
    st.sampled_from([100.0, 250.0]),
    st.integers(0, 1000),
)
def test_what_is_kept_is_the_same_however_it_is_read(rate, seconds, window, to_rate, seed):
    values = alive(int(seconds * rate), rate, seed)
    changes = {"window": window, "seconds": 4, "sampling_rate": to_rate}
    whole, part = (keep(kind(values, rate), **changes) for kind in (Whole, Partial))
    assert (part.total, part.span, part.window) == (whole.total, whole.span, whole.window)
    assert part.content == whole.content
    np.testing.assert_array_equal(part.values, whole.values)
    one, other = stored(part, **changes), stored(whole, **changes)
    if seconds <= FIRST or part.span[0] > 0:
        np.testing.assert_array_equal(one, other)
    else:  # before its beginning, a longer recording goes on as the line through what was read
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-3)


def test_a_recording_of_up_to_a_minute_is_read_at_once():
    for window in ("start", "centre", "best"):
        source = Partial(alive(15_000, 250))
        keep(source, window=window)
        assert source.spans == [(0.0, FIRST)]


def test_of_a_longer_one_the_wanted_part_is_read():
    source = Partial(alive(250 * 3600, 250))
    assert keep(source, window="start").span == (0, 2500)
    assert source.spans == [(0.0, FIRST)]
    source.spans.clear()
    kept = keep(source, window="centre")
    assert kept.span == (448_750, 451_250)
    (_, (first, last)) = source.spans
    assert 1794.8 < first < 1795 and 1805 < last < 1805.2
    source.spans.clear()
    assert keep(source, window="start", seconds=100).span == (0, 25_000)
    ((_, last),) = source.spans
    assert 100 < last < 102


class Torn(Partial):
    """A source that refuses what it would have to join, as readers of CSV and EDF do."""

    def __init__(self, values, rate, gap):
        super().__init__(values, rate)
        self.gap = gap

    def read_signal(self, info, span=None):
        first, last = span or (0.0, np.inf)
        if first < self.gap < last:
            raise DataError("named") from GapError("interrupted")
        return super().read_signal(info, span)


@pytest.mark.parametrize("window", ["start", "best"])
def test_a_gap_elsewhere_is_no_reason_to_lose_a_recording(window):
    for seconds in (60, 120):
        values = alive(seconds * 250, 250)
        kept = keep(Torn(values, 250.0, gap=45), window=window)
        first, last = kept.span
        assert not first < 45 * 250 < last
        np.testing.assert_array_equal(kept.values, values[first:last])
    with pytest.raises(DataError, match="named"):
        keep(Torn(values, 250.0, gap=5), window="start")


def test_a_gap_costs_the_windows_around_it_alone():
    source = Torn(alive(250 * 1800, 250), 250.0, gap=1201)
    windows = list(read_windows(reader_of(source), info_of(), settings_of(), Repair()))
    lost = [number for number, one in enumerate(windows) if isinstance(one, DataError)]
    assert len(windows) == 180 and lost == [120]


def test_a_wrong_rate_that_is_repaired_reads_the_right_part():
    values = alive(500 * 120, 500)
    # named 50 Hz, so that a minute of it is six seconds
    source, repair = Partial(values, 50.0), Repair(rate_factor=10.0)
    kept = keep(source, repair)
    assert (kept.signal.sampling_rate, kept.span) == (500.0, (0, 5000))
    np.testing.assert_array_equal(kept.values, values[:5000])
    kept = keep(source, repair, window="centre")
    np.testing.assert_array_equal(kept.values, values[27_500:32_500])


@pytest.mark.parametrize("window", ["start", "centre", "best"])
def test_what_is_missing_elsewhere_is_no_matter(window):
    values = alive(250 * 100, 250)
    places = {"start": slice(2501, 2600), "centre": slice(11_000, 11_249), "best": slice(0, 9000)}
    values[places[window], 7] = np.nan
    kept = keep(Partial(values), window=window)
    assert np.isfinite(kept.values).all()
    assert np.isfinite(kept.signal.values).all()
    assert np.isfinite(stored(kept)).all()
    assert np.isnan(values[places[window], 7]).all(), "the source's own array is not written to"


def test_a_lead_that_comes_on_later_is_refused_with_the_way_out(monkeypatch):
    values = alive(250 * 300, 250)
    values[: 250 * 130, 8] = 0
    outcome = convert_one(Partial(values), monkeypatch)
    assert isinstance(outcome, Quarantined)
    assert "no signal in lead V3: constant, within 2 µV, for all 10 s that are k" in outcome.reason
    found = outcome.reason.partition("Nothing is lost from ")[2]
    first, _, last, *_ = found.split()
    assert float(first) >= 130 and float(last) == pytest.approx(float(first) + 10)
    assert outcome.reason.endswith("s: data.window: best keeps them.")
    best = convert_one(Partial(values), monkeypatch, window="best")
    assert isinstance(best, Converted)
    assert best.original == (250.0, 300.0)
    assert np.ptp(best.samples[:, 8].astype(int)) > 100


class Late(Partial):
    """A source whose parts begin, and end, one second after what was wanted."""

    def read_signal(self, info, span=None):
        return super().read_signal(info, (span[0] + bool(span[0]), span[1] + 1))


def test_a_part_that_begins_too_late_is_not_taken_for_what_was_wanted():
    assert keep(Late(alive(250 * 300, 250)), window="start").span == (0, 2500)
    message = r"samples (\d+) to \d+ were wanted, and the source's read_signal returned (\d+) to"
    with pytest.raises(DataError, match=message) as caught:
        keep(Late(alive(250 * 300, 250)), window="centre")
    wanted, returned = map(int, re.search(message, str(caught.value)).groups())
    assert wanted < returned <= wanted + 250


def test_nothing_is_offered_where_no_other_part_is_better(monkeypatch):
    values = alive(250 * 300, 250)
    values[:, 8] = 0
    for window in ("start", "best"):
        outcome = convert_one(Partial(values), monkeypatch, window=window)
        assert "no signal in lead V3" in outcome.reason and "best" not in outcome.reason


def test_the_best_part_lies_between_two_gaps_at_any_rate():
    values = alive(257 * 90, 257)
    values[:: 257 * 9, 3] = np.nan  # a sample every nine seconds
    kept = keep(Partial(values, 257.0), window="best", seconds=8)
    assert np.isfinite(kept.values).all()
    with pytest.raises(DataError, match=r"missing or infinite samples in lead aVR \(1 samples\)"):
        keep(Partial(values, 257.0), window="best", seconds=10)


def test_leads_that_are_not_kept_are_not_judged():
    values = alive(2500, 250)
    values[:, 8] = np.nan
    kept = keep(Partial(values), leads=("II", "V1"))
    np.testing.assert_array_equal(kept.values, values[:, [1, 6]])


def test_too_short_a_recording_is_dropped_or_padded(monkeypatch):
    source = Partial(alive(2000, 250))
    outcome = convert_one(source, monkeypatch, window="best")
    assert outcome == Dropped("r1", "8 s are shorter than 10 s", 8.0, 10.0)
    for window, first in (("start", 0), ("best", 0), ("centre", 100)):
        padded = convert_one(source, monkeypatch, window=window, short="pad")
        assert np.flatnonzero(padded.samples.any(axis=1))[0] == first


@pytest.mark.parametrize("window", ["start", "centre", "best"])
def test_four_hours_take_no_more_memory_than_a_minute(tmp_path, window):
    samples = 4 * 3600 * 250
    stored = np.lib.format.open_memmap(tmp_path / "r1.npy", "w+", "<i2", (samples, 12))
    minute = np.rint(alive(15_000, 250) * 1000).astype("<i2")
    for begin in range(0, samples, len(minute)):
        stored[begin : begin + len(minute)] = minute
    stored.flush()

    class Mapped(Partial):
        def read_signal(self, info, span=None):
            first, last = span_samples(span, 250.0, samples)
            part = np.fromfile(
                tmp_path / "r1.npy", "<i2", 12 * (last - first), "", 128 + 24 * first
            )
            values = part.reshape(-1, 12) / np.float32(1000)
            return Signal(values, 250.0, LEADS, first, samples)

    source = Mapped(minute[:1] / np.float32(1000))
    tracemalloc.start()
    verify_source(source, [info_of(), info_of()], settings_of(), print)
    kept = keep(source, window=window)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert kept.total == samples
    assert peak < 50e6, "as float32 millivolts the recording takes 173 MB"


class Failing:
    """A source that raises, or returns, something else."""

    def __init__(self, outcome):
        self.outcome = outcome

    def read_signal(self, info, span=None):
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        (ValueError("3 columns"), "read_signal of the source raised ValueError: 3 columns"),
        (MemoryError(), "raised MemoryError"),
        (ConfigError("r1.dat: data.folder.unit is missing."), "data.folder.unit is missing"),
        (FileNotFoundError(2, "No such file", "r1.dat"), "No such file"),
        (None, "must return a Signal. Received: NoneType"),
        (Signal(np.ones((5, 12), np.float32), 1e-3, LEADS), "10 to 100,000 Hz. Received: 0.001 Hz"),
        (Signal(np.ones((5, 12), np.float32), 1e9, LEADS), r"10 to 100,000 Hz. Received: 1e\+09"),
        (Signal(np.ones((5, 12), np.float32), np.inf, LEADS), "Received: inf Hz"),
        (Signal(np.ones((0, 12), np.float32), 250.0, LEADS), "at least one sample"),
        (Signal(np.ones((5, 12), np.float32), 250.0, LEADS, 0, 50_000), "samples 0 to 2527 were"),
    ],
)
def test_nothing_about_one_record_ends_a_run(outcome, message, monkeypatch):
    source = Failing(outcome)
    quarantined = convert_one(source, monkeypatch)
    assert isinstance(quarantined, Quarantined)
    assert "r1.dat" in quarantined.reason
    assert re.search(message, quarantined.reason)
    assert verify_source(source, [info_of()], settings_of(), print) == Verified()


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.EMFILE, errno.ENOMEM])
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_disk_that_fails_ends_the_run_and_no_record_is_left_out_for_it(
    number, wrapped, monkeypatch
):
    fault: Exception = OSError(number, os.strerror(number), "r1.dat")
    if wrapped:  # as readers of formats do
        wrapper = DataError("r1.dat: can't be read: sorry.")
        wrapper.__cause__ = fault
        fault = wrapper
    message = f"r1.dat: can't be read now: {re.escape(os.strerror(number))}.*same command resumes"
    with pytest.raises(DataError, match=message):
        convert_one(Failing(fault), monkeypatch)


class Mixed:
    """A source of recordings with rates of their own."""

    def __init__(self, rates):
        self.rates = rates
        self.infos = [info_of(f"r{number}") for number in range(len(rates))]

    def read_signal(self, info):
        number = int(info.record_id[1:])
        rate = self.rates[number]
        return Signal(alive(int(10 * rate), rate, number), rate, LEADS)


def test_a_rate_that_can_not_be_decimated_is_the_records_or_the_settings_matter(monkeypatch):
    mixed, data = Mixed([500.0, 250.0, 499.97, 257.0]), settings_of(resample="decimate", seconds=5)
    data = data.model_copy(update={"sampling_rate": 250.0})
    monkeypatch.setattr("ecg_keras.data.conversion.source_of", lambda data: mixed)
    verified = verify_source(mixed, mixed.infos, data, print)
    outcomes = [type(one) for one in convert(mixed.infos, data, verified)]
    assert outcomes == [Converted, Converted, Quarantined, Quarantined]
    with pytest.raises(
        ConfigError, match=r"data.resample: decimate .* Received: 257 Hz, 499.97 Hz"
    ):
        verify_source(Mixed([257.0, 499.97, 257.0]), mixed.infos[:3], data, print)


def test_four_hours_of_wfdb_take_no_more_memory_than_a_minute(tmp_path):
    samples, minute = 4 * 3600 * 250, np.rint(alive(15_000, 250) * 1000).astype("<i2")
    with (tmp_path / "r1.dat").open("wb") as file:
        for _ in range(samples // len(minute)):
            file.write(minute.tobytes())
    line = "r1.dat 16 1000/mV 16 0 {} 0 0 {}\n"
    lines = [line.format(*one) for one in zip(minute[0], LEADS, strict=True)]
    (tmp_path / "r1.hea").write_text(f"r1 12 250 {samples}\n{''.join(lines)}")
    source, data = folder_source(tmp_path, Folder()), settings_of(window="best")
    info = RecordInfo("r1", "r1", tmp_path / "r1", ())
    tracemalloc.start()
    kept = read_kept(reader_of(source), info, data, Repair())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert kept.total == samples
    assert peak < 50e6, "as float32 millivolts the recording takes 173 MB"


@pytest.mark.parametrize(("rate", "said"), [(100.0, True), (249.9, False), (500.0, False)])
def test_a_recording_of_a_lower_rate_than_the_shards_is_remarked(rate, said):
    remark = "recorded at 100 Hz, below data.sampling_rate: 250, which adds no detail"
    source = Whole(alive(int(12 * rate), rate), rate)
    assert keep(source, sampling_rate=250.0).remarks == (remark,) * said
