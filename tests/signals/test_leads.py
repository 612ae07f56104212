"""Lead names, selection, and limb leads that a recorder does not store."""

import itertools

import numpy as np
import pytest
from hypothesis import given, strategies as st

from ecg_keras.errors import DataError
from ecg_keras.signals import (
    LEADS,
    canonical_lead,
    derive_leads,
    find_lead,
    find_leads,
    measure_quality,
    select_leads,
)


@pytest.mark.parametrize("lead", LEADS)
@pytest.mark.parametrize(
    "spell",
    [
        str,
        str.lower,
        str.upper,
        "MDC_ECG_LEAD_{}".format,
        "Lead {}".format,
        "ECG Lead {}".format,
        "EKG {}".format,
        " {} ".format,
        "'{}'".format,
        "Lead_{}".format,
        "lead-{}".format,
        "Lead: {}".format,
        "Lead{}".format,
        "ECG_{}".format,
        "ECG {}-REF".format,
        "{}-Ref".format,
        "{} lead".format,
        "{} (mV)".format,
        "{}[uV]".format,
        "{} (\u00b5V)".format,
        "Ableitung {}".format,
        "EKG Lead {}-Ref".format,
        lambda lead: f"mdc_ecg_lead_{lead.lower()}",
    ],
)
def test_every_spelling_of_a_lead_has_one_name(lead, spell):
    assert canonical_lead(spell(lead)) == lead


@pytest.mark.parametrize(
    ("name", "lead"),
    [
        *(("DI", "I"), ("d ii", "II"), ("D-III", "III"), ("D_I", "I"), ("ECG DII", "II")),
        *(("Einthoven II", "II"), ("Goldberger aVF", "aVF"), ("Wilson V3", "V3")),
        *(("V 1", "V1"), ("v_6", "V6"), ("a VR", "aVR"), ("aV L", "aVL")),
        *(("\u2160", "I"), ("\u2162", "III"), ("Lead C1", "V1"), ("ECG Lead C6", "V6")),
    ],
)
def test_spellings_of_single_leads(name, lead):
    assert canonical_lead(name) == find_lead(name) == lead


OTHERS = ["V7", "vx", "", "lead", "MDC_ECG_LEAD_", "IV", "V3R", "MLII", "EEG C3", "I (adu)", "I-II"]
UPSIDE_DOWN = ["-aVR", "\u2212aVR", "Lead -aVR", "ECG -I", "-DII", "- aVR"]
# numbers of columns, and names that mean one thing here and another there
AMBIGUOUS = ["1", "01", "A", "R", "C1", "ECG1", "ECG C1", "D1", "L1", "VR", "ch1", "V-1"]


@pytest.mark.parametrize("name", OTHERS + UPSIDE_DOWN + AMBIGUOUS)
def test_other_names_are_refused(name):
    with pytest.raises(DataError, match=r"no lead named.*Allowed: I, II"):
        canonical_lead(name)


def test_a_text_of_more_than_200_characters_names_no_lead():
    assert find_lead(f"V1{198 * ' '}") == "V1"
    assert find_lead(f"V1{199 * ' '}") is None
    assert find_lead(500 * "_", {500 * "_": "V1"}) == "V1"


def test_a_near_miss_is_pointed_out():
    with pytest.raises(DataError, match="Did you mean 'V1'"):
        canonical_lead("V11")


def test_own_spellings_come_before_the_known_ones():
    own = {"ECG1": "II", " v1 ": "DI"}
    assert [find_lead(name, own) for name in ("ecg1 ", "V1", "V2", "ECG2")] == [
        "II",
        "I",
        "V2",
        None,
    ]


def test_columns_are_named_together():
    assert find_leads(["time", "DI", "V1"]) == (None, "I", "V1")
    chest = [f"C{number}" for number in range(1, 7)]
    assert find_leads(["I", "II", *chest]) == ("I", "II", *LEADS[6:])


@pytest.mark.parametrize(
    "names",
    [
        ["C1", "C2", "C3", "C4", "C5", "C6"],
        ["I", *(f"C{number}" for number in range(1, 8))],
        ["I", "C1", "C2", "C3", "C4", "C5"],
    ],
)
def test_columns_that_may_be_counted_by_c_are_no_leads(names):
    assert set(find_leads(names)) <= {None, "I"}


def test_numbers_of_columns_are_not_taken_for_chest_leads():
    counted = [f"V{number}" for number in range(1, 13)]
    with pytest.raises(
        DataError, match=r"V7, V8.*data\.folder\.leads, or data\.folder\.lead_names"
    ):
        find_leads(counted)
    with pytest.raises(DataError, match=r"V7: its columns may be counted"):
        find_leads(counted[:7])
    with pytest.raises(DataError, match=r"V10, V11, V12: "):
        find_leads(["I", *counted])
    assert find_leads(["I", *counted[:9]]) == ("I", *LEADS[6:], None, None, None)
    named = dict(zip(counted, LEADS, strict=True))
    assert find_leads(counted, named) == LEADS


def test_two_columns_of_one_lead_are_refused_by_name():
    with pytest.raises(
        DataError, match=r"2 columns are lead II: 'II' \(column 2\), 'Ch 2' .*data\.folder\.leads"
    ):
        find_leads(["I", "II", "Ch 2"], {"Ch 2": "II", "Ch 3": "II"})


@given(st.text(max_size=30))
def test_no_name_is_a_lead_and_its_opposite(name):
    assert find_lead(name) is None or find_lead(f"-{name}") is None


@given(st.permutations(LEADS), st.lists(st.sampled_from(LEADS), unique=True))
def test_selection_puts_each_wanted_lead_where_it_is_wanted(leads, wanted):
    values = np.stack([np.full(3, LEADS.index(lead)) for lead in leads], axis=1)
    chosen = select_leads(values, leads, wanted)
    assert chosen.dtype == np.float32 and chosen.flags.c_contiguous
    assert chosen.tolist() == [[LEADS.index(lead) for lead in wanted]] * 3


def test_a_missing_lead_is_named():
    with pytest.raises(DataError, match=r"no lead aVR, V6\. It has: I, II"):
        select_leads(np.zeros((5, 2)), ["I", "II"], ["I", "aVR", "V6"])


def test_names_that_do_not_fit_the_columns_are_refused():
    with pytest.raises(DataError, match=r"its 3 leads. Received: shape \(5, 2\)"):
        select_leads(np.zeros((5, 2)), ["I", "II", "III"], ["I"])
    with pytest.raises(DataError, match="more than once: I"):
        select_leads(np.zeros((5, 2)), ["I", "I"], ["I"])


LIMB = LEADS[:6]
INDEPENDENT = np.random.default_rng(3).normal(size=(40, 2)).astype(np.float32)
ONE, TWO = INDEPENDENT.T
ALL = {
    "I": ONE,
    "II": TWO,
    "III": TWO - ONE,
    "aVR": -(ONE + TWO) / 2,
    "aVL": ONE - TWO / 2,
    "aVF": TWO - ONE / 2,
    "V1": ONE**2,
}


def recorded(leads):
    return np.stack([ALL[lead] for lead in leads], axis=1)


@pytest.mark.parametrize("known", [*itertools.permutations(LIMB, 2), ("V1", "I", "III", "aVF")])
def test_any_two_limb_leads_determine_the_others(known):
    values, leads = derive_leads(recorded(known), known, LEADS)
    assert leads[: len(known)] == known and sorted(leads) == sorted({*LIMB, *known})
    assert values.dtype == np.float32
    assert np.allclose(values, recorded(leads), atol=1e-5)


@pytest.mark.parametrize("order", ["C", "F"])
def test_lead_iii_of_i_and_ii_is_their_difference_to_the_bit(order):
    values = np.array(recorded(["I", "II", "V1"]), order=order)
    complete, leads = derive_leads(values, ["I", "II", "V1"], ["III"])
    assert leads == ("I", "II", "V1", "III")
    assert np.array_equal(complete[:, :3], values) and np.array_equal(complete[:, 3], TWO - ONE)
    assert complete.flags.f_contiguous


@pytest.mark.parametrize(
    ("leads", "wanted"),
    [
        (LIMB, LEADS),
        (["I", "V1"], LEADS),
        (["V1"], LEADS),
        (["I", "II", "V1"], ["I", "V1"]),
        (["I", "II"], ["V2"]),
    ],
)
def test_what_is_there_not_wanted_or_not_determined_is_left_alone(leads, wanted):
    values = recorded(leads)
    complete, held = derive_leads(values, leads, wanted)
    assert complete is values and held == tuple(leads)


def test_a_missing_sample_stays_missing_in_what_is_derived_from_it():
    values = recorded(["I", "II"])
    values[5, 0] = np.nan
    complete, _ = derive_leads(values, ["I", "II"], LEADS)
    assert np.isnan(complete[5, [0, 2, 3, 4, 5]]).all() and np.isfinite(complete[6]).all()


def test_derived_leads_obey_the_identities_whatever_the_recording():
    noise = np.random.default_rng(0).normal(size=(500, 2)).astype(np.float32)
    complete, leads = derive_leads(noise, ["I", "II"], LEADS)
    assert measure_quality(complete, leads).einthoven_mv < 1e-6
