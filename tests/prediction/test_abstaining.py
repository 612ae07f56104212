"""What is not answered, and why: wrong units, leads in other columns, damaged and short files."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from every_format import read_microvolts
from small_folder import write_csv, write_edf, write_wfdb

import ecg_keras as ecg
from ecg_keras.prediction import LooseFiles, open_trained
from ecg_keras.signals import LEADS

CSV = LooseFiles(sampling_rate=500, unit="uV")


@pytest.fixture(scope="module")
def values(lab):
    return read_microvolts(lab.headers[0])


def ask(lab, files, reading=CSV, **settings):
    (one,) = ecg.predict(open_trained(lab.run, **settings), files, reading=reading).rows
    return one


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda x: x * 10, "the signals are .* times as large as ECGs are"),
        (lambda x: x[:, [1, 0, *range(2, 12)]], "II, I are in the columns I, II"),
        (lambda x: x * np.where(np.arange(12) == 2, -1, 1), "lead III is inverted"),
        (lambda x: x[:, [0, 1, 2, 6, 4, 5, 3, *range(7, 12)]], "are in the columns aVR, V1"),
        (lambda x: x * 0, "no signal in lead I, II, III, aVR"),
        (lambda x: x[:1500], "3 s are shorter than 4 s; --short pad fills them up with zeros"),
    ],
)
def test_what_is_wrong_is_named_and_not_answered(lab, values, tmp_path, change, reason):
    write_csv(tmp_path / "r.csv", change(values))
    one = ask(lab, tmp_path / "r.csv")
    assert (one.status, one.values) == ("abstained", None)
    assert re.search(reason, one.reason), one.reason


def test_a_wrong_unit_is_named_and_can_be_corrected_or_let_be(lab, values, tmp_path):
    write_csv(tmp_path / "r.csv", values)
    wrong = LooseFiles(sampling_rate=500, unit="mV")
    one = ask(lab, tmp_path / "r.csv", wrong)
    assert one.status == "abstained"
    assert one.reason.startswith("microvolts are taken for millivolts")
    assert ask(lab, tmp_path / "r.csv").status == "answered"
    assert ask(lab, tmp_path / "r.csv", wrong, verify="off").status == "answered"
    assert ask(lab, tmp_path / "r.csv", replace(wrong, verify=False)).status == "answered"


def test_exchanged_arms_are_named_where_a_heart_shows_them(lab, tmp_path):
    found = []
    for number, header in enumerate(lab.headers):
        values = read_microvolts(header)
        order = [0, 2, 1, 4, 3, 5, *range(6, 12)]
        write_wfdb(
            tmp_path / f"r{number}", (values * np.where(np.arange(12) == 0, -1, 1))[:, order]
        )
        found.append(ask(lab, tmp_path / f"r{number}.hea").reason)
    named = [one for one in found if one.startswith("electrodes seem to be exchanged")]
    assert len(named) > len(found) / 2
    # together, they leave no doubt
    answers = ecg.predict(lab.run, tmp_path)
    assert answers.count("answered") == 0
    assert any("together, the recordings are not what" in one.reason for one in answers.rows)


def test_copies_are_one_recording_where_recordings_are_looked_at_together(lab, values, tmp_path):
    # what copies have in common, such as the size of each lead, says nothing about their unit
    for number in range(4):
        write_wfdb(tmp_path / f"r{number}", values + number)
    answers = ecg.predict(lab.run, tmp_path)
    assert answers.count("answered") == 4, answers.rows[0].reason


def test_a_wrong_rate_shows_in_several_recordings_together(lab, tmp_path):
    for number, header in enumerate(lab.headers[:8]):
        write_csv(tmp_path / f"{number}.csv", read_microvolts(header))
    wrong = LooseFiles(sampling_rate=1000, unit="uV")
    answers = ecg.predict(lab.run, tmp_path, reading=wrong)
    assert answers.count("abstained") == 8
    assert "the sampling rate is wrong: named 1000 Hz" in answers.rows[0].reason


def test_short_recordings_are_padded_where_that_is_wanted(lab, values, tmp_path):
    write_wfdb(tmp_path / "r", values[:1500])
    assert ask(lab, tmp_path / "r.hea", short="pad").status == "answered"


def test_a_lead_that_is_missing_is_derived_or_named(lab, values, tmp_path):
    eight = [0, 1, *range(6, 12)]
    write_edf(tmp_path / "a.edf", values[:, eight], leads=[LEADS[place] for place in eight])
    assert ask(lab, tmp_path / "a.edf").status == "answered"
    write_edf(tmp_path / "b.edf", values[:, :11], leads=LEADS[:11])
    one = ask(lab, tmp_path / "b.edf")
    assert one.status == "abstained" and "the recording has no lead V6" in one.reason
    assert one.reason.endswith("V4, V5.")  # no advice for a recipe


def test_texts_are_recordings_where_they_are_asked_for(tmp_path):
    for name in ("a.csv", "a.txt", "README.txt"):
        (tmp_path / name).write_text("I,II\n1,2\n")

    def names(asked):
        return [Path(one.record_id).name for one in CSV.list_records([asked])]

    assert names(tmp_path) == names(f"{tmp_path}/*") == ["a.csv"]
    assert names(f"{tmp_path}/a*.txt") == names(tmp_path / "a.txt") == ["a.txt"]


def test_files_that_can_not_be_read_are_reported_and_skipped(lab, values, tmp_path):
    write_wfdb(tmp_path / "good", values)
    write_csv(tmp_path / "rate.csv", values)
    (tmp_path / "torn.edf").write_bytes(b"0       ")
    (tmp_path / "torn.dcm").write_bytes(b"\0" * 128 + b"DICM")
    (tmp_path / "torn.h5").write_bytes(b"no")
    (tmp_path / "torn.xml").write_text("<a/>")
    (tmp_path / "labels.csv").write_text("file,AF\n")
    (tmp_path / "notes.txt").write_text("no recording")
    outside = tmp_path.parent / "outside.edf"
    write_edf(outside, values)
    (tmp_path / "link.edf").symlink_to(outside)
    (tmp_path / "alone.mat").write_bytes(b"MATLAB")
    named = (tmp_path / "gone.edf", tmp_path / "alone.mat")
    answers = ecg.predict(lab.run, [tmp_path, *named])
    found = {Path(one.record_id).name: one for one in answers.rows}
    assert set(found) == {
        *("good.hea", "rate.csv", "torn.edf", "torn.dcm", "torn.h5", "torn.xml"),
        *("link.edf", "gone.edf", "alone.mat"),
    }
    assert [name for name, one in found.items() if one.status == "answered"] == ["good.hea"]
    assert {one.status for one in answers.rows} == {"answered", "unreadable"}
    assert "a link that leads out of its folder" in found["link.edf"].reason
    assert "Set --sampling-rate to Hz." in found["rate.csv"].reason
    # the name is beside it, and there is no table
    assert found["gone.edf"].reason == "No such file. Check that the export is complete."
    assert "there is no alone.hea. Export the header" in found["alone.mat"].reason
    assert answers.summary == "9 recordings: 1 answered, 0 abstained, 8 unreadable"


def test_segments_of_a_record_are_not_asked_about_alone(lab, values, tmp_path):
    for number in (1, 2):
        write_wfdb(tmp_path / f"m_{number}", values)
    lines = [f"m/2 12 500 {2 * len(values)}", *(f"m_{one} {len(values)}" for one in (1, 2))]
    (tmp_path / "m.hea").write_text("\n".join(lines) + "\n")
    for asked in (tmp_path, tmp_path / "*.hea"):
        one = ask(lab, asked)
        assert (Path(one.record_id).name, one.status) == ("m.hea", "answered")


def test_windows_that_are_lost_in_a_long_recording_are_all_counted(lab, values, tmp_path):
    long = np.tile(values, (40, 1))
    long[45_000:, 8] = 0  # behind the first sixty windows of four seconds, too
    write_wfdb(tmp_path / "long", long)
    one = ask(lab, tmp_path / "long.hea")
    assert one.lost > 60 and one.windows + one.lost > 60
    assert one.flags[-1].startswith(f"{one.lost} windows left out: no signal in lead V3: ")


def test_what_is_unusual_is_flagged_and_a_window_without_a_lead_left_out(lab, values, tmp_path):
    for name, samples in (("some", 600), ("most", 1200)):
        flat = values.copy()
        flat[:samples, 8] = 0
        write_wfdb(tmp_path / name, flat)
    one = ask(lab, tmp_path / "some.hea")
    assert (one.status, one.windows, one.lost) == ("answered", 3, 0)
    assert any("share of time without change" in flag and "in V3" in flag for flag in one.flags)
    one = ask(lab, tmp_path / "most.hea")
    assert (one.status, one.windows, one.lost) == ("answered", 2, 1)
    assert "1 window left out: no signal in lead V3" in one.flags[0]
