"""Lead names and selection."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecg_keras.errors import DataError
from ecg_keras.signals import LEADS, canonical_lead, select_leads


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
        lambda lead: f"mdc_ecg_lead_{lead.lower()}",
    ],
)
def test_every_spelling_of_a_lead_has_one_name(lead, spell):
    assert canonical_lead(spell(lead)) == lead


@pytest.mark.parametrize("name", ["V7", "vx", "", "lead", "MDC_ECG_LEAD_", "-aVR", "IV"])
def test_other_names_are_refused(name):
    with pytest.raises(DataError, match=r"no lead named.*Allowed: I, II"):
        canonical_lead(name)


def test_a_near_miss_is_pointed_out():
    with pytest.raises(DataError, match="Did you mean 'V1'"):
        canonical_lead("V11")


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
