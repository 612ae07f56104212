"""The identities: which column is which limb lead, up to an exchange of electrodes."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from ecg_keras.signals.limb_leads import (
    IN_PLACE,
    SYMMETRIES,
    Placement,
    find_placement,
    identity_residual,
    lead_gains,
    then,
)

permutations = st.permutations(range(12))
signs = st.lists(st.sampled_from([1, -1]), min_size=12, max_size=12)


def twelve_leads(seed=0, samples=400):
    one, two, *chest = np.random.default_rng(seed).normal(size=(8, samples))
    limb = [one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2]
    return np.stack(limb + chest, axis=1)


def test_there_are_twelve_symmetries_and_they_form_a_group():
    placements = list(SYMMETRIES.values())
    assert len(set(placements)) == 12
    assert placements[0] == IN_PLACE
    for one in placements:
        assert {then(one, other) for other in placements} == set(placements)


def test_exchanged_arms_are_what_electrocardiographers_know():
    arms = SYMMETRIES["the electrodes of the two arms are exchanged"]
    # I upside down, II and III change places, aVR and aVL change places, aVF stays
    assert arms == Placement((0, 2, 1, 4, 3, 5), (-1, 1, 1, 1, 1, 1))


@pytest.mark.parametrize("placement", SYMMETRIES.values())
def test_no_identity_tells_the_symmetries_apart(placement):
    assert identity_residual(twelve_leads(), placement) < 1e-12


@given(permutations, signs, st.integers(0, 1000))
def test_limb_leads_are_found_in_any_columns_with_any_signs(order, sign, seed):
    values = twelve_leads(seed)[:, order] * sign
    where = {lead: column for column, lead in enumerate(order)}
    truth = Placement(
        tuple(where[lead] for lead in range(6)), tuple(sign[where[lead]] for lead in range(6))
    )
    found = find_placement(values + 0.3)
    assert truth in [then(found, one) for one in SYMMETRIES.values()]
    assert identity_residual(values, found) < 1e-9


def test_as_much_as_possible_stays_in_place():
    values = twelve_leads()
    assert find_placement(values) == IN_PLACE
    values[:, 3] *= -1
    assert find_placement(values) == Placement(IN_PLACE.columns, (1, 1, 1, -1, 1, 1))
    code_test = twelve_leads()[:, [0, 1, 2, 4, 5, 3, *range(6, 12)]]
    assert find_placement(code_test) == Placement((0, 1, 2, 5, 3, 4), (1,) * 6)


def test_rounding_and_offsets_break_no_identity():
    values = np.rint(twelve_leads() * 50) / 50 + np.arange(12)
    assert find_placement(values) == IN_PLACE


def test_leads_that_do_not_belong_together_have_no_placement():
    values = twelve_leads()
    values[:, 4] = np.random.default_rng(1).normal(size=len(values))
    assert find_placement(values) is None
    assert identity_residual(values) > 0.1
    dead = twelve_leads()
    dead[:, 4] = 0
    assert find_placement(dead) is None


@pytest.mark.parametrize("lead", range(6))
def test_the_gain_of_one_limb_lead_is_found(lead):
    values = twelve_leads()[:, :6]
    values[:, lead] *= 2
    np.testing.assert_allclose(lead_gains(values), np.where(np.arange(6) == lead, 2.0, 1.0))
    values[:, lead] *= -1
    assert lead_gains(values) is None
