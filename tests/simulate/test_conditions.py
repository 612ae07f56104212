"""Labels are true by measurement: each criterion is measured on noise-free signals."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pytest
from ecg_measurements import Measured, measure, pr_interval, q_wave, typical_beat

from ecg_keras.simulate import CONDITIONS, HOSPITALS, Recording, record_ecg
from ecg_keras.simulate.conditions import compatible, draw_conditions
from ecg_keras.simulate.patients import ATRIAL, SINUS, VENTRICULAR

RECORDINGS = {"lakeside": 130, "riverside": 110, "hillside": 60}


@dataclass(frozen=True)
class Case:
    name: str
    recording: Recording
    measured: Measured
    kind: np.ndarray

    def has(self, *conditions):
        return any(self.recording.patient.has(name) for name in conditions)

    @cached_property
    def sinus(self):
        return np.flatnonzero(self.kind == SINUS)

    @cached_property
    def beat(self):
        return typical_beat(self.measured, self.sinus)

    @cached_property
    def qrs(self):
        """The QRS part of the typical beat, from 10 ms before it."""
        return {lead: self.voltages(lead, -0.01, self.width) for lead in self.beat}

    @cached_property
    def width(self):
        return float(np.median(self.measured.qrs[self.sinus]))

    def voltages(self, lead, start, stop):
        rate = self.measured.rate
        return self.beat[lead][round((start + 0.04) * rate) : round((stop + 0.04) * rate) + 1]


@pytest.fixture(scope="module")
def cases():
    made = []
    for hospital, number in RECORDINGS.items():
        for index in range(number):
            ecg = record_ecg(hospital, index, noise=False)
            found = measure(ecg.values, ecg.sampling_rate, ecg.beats.onset)
            nearest = np.abs(ecg.beats.onset[:, None] - found.onset).argmin(axis=0)
            name = f"{hospital} {index} {ecg.patient.conditions}"
            made.append(Case(name, ecg, found, ecg.beats.kind[nearest]))
    return made


def check(cases, condition, criterion, *unless):
    """The criterion holds for exactly the recordings with the condition."""
    tried = [case for case in cases if not case.has(*unless)]
    wrong = [case.name for case in tried if bool(criterion(case)) != case.has(condition)]
    present = sum(case.has(condition) for case in tried)
    assert present >= 5
    assert not wrong, f"{len(wrong)} of {len(tried)} ({present} with {condition}): {wrong}"


def sinus_intervals(case):
    both = (case.kind[1:] == SINUS) & (case.kind[:-1] == SINUS)
    return case.measured.rr[both]


def rate(case):
    return 60 / np.median(sinus_intervals(case))


def pr(case):
    """Median PR of sinus beats that follow a sinus beat, and the height of their P wave."""
    patient, found = case.recording.patient, case.measured
    pairs = []
    for index in np.flatnonzero((case.kind[1:] == SINUS) & (case.kind[:-1] == SINUS)) + 1:
        qt = patient.qtc * np.cbrt(found.rr[index - 1]) + max(case.width - 0.11, 0.0)
        pairs.append(pr_interval(found, index, found.onset[index - 1] + qt - 0.02))
    return np.median(pairs, axis=0)


def test_sinus_bradycardia_is_a_sinus_rate_below_60(cases):
    check(cases, "SBRAD", lambda case: rate(case) < 60, "AFIB")


def test_sinus_tachycardia_is_a_sinus_rate_above_100(cases):
    check(cases, "STACH", lambda case: rate(case) > 100, "AFIB")


def test_fibrillating_atria_beat_irregularly(cases):
    def irregular(case):
        rr = sinus_intervals(case)
        return rr.std() / rr.mean() > 0.10

    # the intervals around ectopic beats are irregular in any rhythm
    check(cases, "AFIB", irregular, "PAC", "PVC")


def test_all_but_fibrillating_atria_have_p_waves(cases):
    for case in cases:
        if not case.has("AFIB"):
            assert pr(case)[1] > 0.05, case.name


def test_fibrillating_atria_have_waves_of_their_own_rhythm_and_no_p(cases):
    tried = 0
    for case in cases:
        found, patient = case.measured, case.recording.patient
        if not case.has("AFIB"):
            continue
        t_end = found.onset[:-1] + patient.qtc * np.cbrt(found.rr) + max(patient.qrs - 0.11, 0.0)
        # after a ventricular beat the T wave ends later
        free = 1 + np.flatnonzero((found.onset[1:] - t_end > 0.24) & (case.kind[:-1] == SINUS))
        if len(free) < 4:
            continue
        tried += 1
        waves = np.array([found.beat(i, 0.20, -0.02) for i in free])
        # V1 shows them between the beats, and what II shows before the QRS averages out
        assert np.ptp(waves[:, :, 6], axis=1).max() > 0.03, case.name
        assert np.abs(waves[:, :, 1].mean(axis=0)).max() < 0.06, case.name
    assert tried >= 8


def test_first_degree_block_is_a_pr_interval_above_200_ms(cases):
    check(cases, "1AVB", lambda case: pr(case)[0] > 0.200, "AFIB")


def test_bundle_branch_blocks_last_120_ms_and_nothing_else_does(cases):
    # fibrillatory waves hide the limits of the QRS
    tried = [case for case in cases if not case.has("AFIB")]
    for case in tried:
        assert (case.width >= 0.120) == case.has("CLBBB", "CRBBB"), (case.name, case.width)
    assert sum(case.has("CLBBB") for case in tried) >= 5


def test_in_left_bundle_branch_block_v1_points_down_and_v6_up(cases):
    def left(case):
        v1, v6 = case.qrs["V1"], case.qrs["V6"]
        return case.width >= 0.120 and v1.sum() < 0 and v6.min() > -0.05 and v6.max() > 0.3

    check(cases, "CLBBB", left, "AFIB")


def test_in_right_bundle_branch_block_v1_ends_up_and_v6_down(cases):
    def right(case):
        half = case.width / 2
        v1, v6 = case.voltages("V1", half, case.width), case.voltages("V6", half, case.width)
        one = case.voltages("I", half, case.width)
        return case.width >= 0.120 and v1.max() > 0.2 and v6.min() < -0.05 and one.min() < -0.05

    check(cases, "CRBBB", right, "AFIB")


def test_hypertrophy_is_a_sokolow_lyon_voltage_of_3_5_mv(cases):
    def sokolow_lyon(case):
        qrs = case.qrs
        return -qrs["V1"].min() + max(qrs["V5"].max(), qrs["V6"].max()) >= 3.5

    check(cases, "LVH", sokolow_lyon, "AFIB")


def has_q(case, leads, needed):
    waves = [q_wave(case.qrs[lead], case.measured.rate) for lead in leads]
    return sum(depth >= 0.1 and duration >= 0.030 for depth, duration in waves) >= needed


def test_anterior_infarction_is_q_in_v2_and_v3(cases):
    check(cases, "AMI", lambda case: has_q(case, ("V2", "V3"), 2), "AFIB", "CLBBB")


def test_inferior_infarction_is_q_in_two_of_ii_iii_avf(cases):
    check(cases, "IMI", lambda case: has_q(case, ("II", "III", "aVF"), 2), "AFIB", "CLBBB")


def test_st_depression_is_0_05_mv_in_two_of_v4_to_v6(cases):
    def depressed(case):
        time = case.width + 0.06
        levels = [case.voltages(lead, time, time)[0] for lead in ("V4", "V5", "V6")]
        return sum(level <= -0.05 for level in levels) >= 2

    check(cases, "STD_", depressed, "AFIB", "CLBBB")


def test_t_inversion_is_minus_0_1_mv_in_two_neighbouring_leads(cases):
    def inverted(case):
        patient = case.recording.patient
        qt = patient.qtc * np.cbrt(60 / patient.rate) + max(patient.qrs - 0.11, 0)
        found = case.measured
        peaks = {
            lead: np.median([found.at(i, 0.77 * qt, lead) for i in case.sinus])
            for lead in ("II", "III", "aVF", "V4", "V5", "V6")
        }
        groups = (("II", "III", "aVF"), ("V4", "V5", "V6"))
        return any(sum(peaks[lead] <= -0.1 for lead in group) >= 2 for group in groups)

    check(cases, "INVT", inverted, "AFIB", "CLBBB")


@pytest.mark.parametrize(("condition", "kind"), [("PAC", ATRIAL), ("PVC", VENTRICULAR)])
def test_ectopic_beats_are_early_and_of_the_right_width(cases, condition, kind):
    tried = [case for case in cases if case.has(condition)]
    assert len(tried) >= 10
    for case in cases:
        places = np.flatnonzero(case.kind[1:] == kind) + 1
        assert bool(len(places)) == case.has(condition), case.name
        for place in places if not case.has("AFIB") else ():
            usual = 60 / case.recording.patient.rate
            assert case.measured.rr[place - 1] < 0.86 * usual, case.name
            if kind == VENTRICULAR:
                assert case.measured.qrs[place] > 0.120, case.name
            elif not case.has("CLBBB"):  # whose T wave reaches into the early P wave
                assert abs(case.measured.qrs[place] - case.width) < 0.012, case.name


def test_a_ventricular_beat_leaves_the_sinus_rhythm_alone(cases):
    for case in cases:
        if case.has("PVC") and not case.has("PAC", "AFIB"):
            for place in np.flatnonzero(case.kind[1:-1] == VENTRICULAR) + 1:
                around = case.measured.onset[place + 1] - case.measured.onset[place - 1]
                assert around == pytest.approx(2 * 60 / case.recording.patient.rate, rel=0.15)


def test_normal_means_none_of_the_others(cases):
    for case in cases:
        conditions = case.recording.patient.conditions
        assert ("NORM" in conditions) == (conditions == ("NORM",))
        assert conditions == tuple(name for name in CONDITIONS if name in conditions)


def test_every_condition_has_codes_of_its_own():
    assert len({condition.snomed for condition in CONDITIONS.values()}) == len(CONDITIONS)
    for name, condition in CONDITIONS.items():
        assert next(iter(condition.scp)) == name


def test_only_compatible_conditions_come_together():
    rng = np.random.default_rng(0)
    for hospital in HOSPITALS.values():
        assert sum(hospital.prevalence.values()) == pytest.approx(1)
        assert set(hospital.prevalence) == set(CONDITIONS)
        for _ in range(500):
            found = draw_conditions(hospital.prevalence, 0.9, rng)
            assert 1 <= len(found) <= 3
            assert all(compatible(a, b) for a in found for b in found if a != b)


def test_prevalence_is_that_of_the_first_condition():
    rng = np.random.default_rng(1)
    prevalence = {"NORM": 0.5, "LVH": 0.3, "CLBBB": 0.2}
    draws = [draw_conditions(prevalence, 0.0, rng) for _ in range(3000)]
    for name, share in prevalence.items():
        assert np.mean([name in found for found in draws]) == pytest.approx(share, abs=0.03)


def table_rows():
    text = (Path(__file__).resolve().parents[2] / "docs" / "simulator.md").read_text("utf-8")
    return [
        [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("|")
    ]


def test_the_docs_list_every_condition_as_it_is():
    listed = {row[0]: row[1:] for row in table_rows() if row[0] in CONDITIONS}
    assert list(listed) == list(CONDITIONS)
    for name, condition in CONDITIONS.items():
        codes = ", ".join(condition.scp)
        superclass = condition.superclass or "-"
        assert listed[name] == [
            *(condition.description, condition.criterion, codes, condition.snomed, superclass)
        ]


def test_the_docs_list_every_hospital_as_it_is():
    rows = table_rows()
    assert ["", *HOSPITALS] in rows
    noises = (
        ("mains_mv", "mains, µV"),
        ("amplifier_mv", "amplifier noise, µV"),
        ("muscle_mv", "muscle noise, µV"),
        ("wander_mv", "wander, µV"),
    )
    for attribute, text in noises:
        values = [f"{1000 * getattr(place, attribute):.0f}" for place in HOSPITALS.values()]
        assert [text, *values] in rows
    for name in CONDITIONS:
        shares = [f"{100 * place.prevalence[name]:.0f} %" for place in HOSPITALS.values()]
        assert [f"first condition `{name}", *shares] in rows
