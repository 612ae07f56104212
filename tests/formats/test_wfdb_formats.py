"""Every packed format, against samples that are packed here bit by bit."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from ecg_keras.formats.wfdb_formats import PACKINGS


def bits_of(value, width):
    return [(value >> place) & 1 for place in range(width)]


def pack(name, values):
    """Bytes of a format after signal(5), least significant bit first."""
    if name in ("8", "24", "32", "16"):
        size = PACKINGS[name].size
        return b"".join(value.to_bytes(size, "little", signed=True) for value in values)
    if name == "61":
        return b"".join(value.to_bytes(2, "big", signed=True) for value in values)
    if name in ("80", "160"):
        size = PACKINGS[name].size
        half = 2 ** (8 * size - 1)
        return b"".join((value + half).to_bytes(size, "little") for value in values)
    block = {"212": 2, "310": 3, "311": 3}[name]
    values = [*values, *[0] * (-len(values) % block)]
    bits = []
    for place in range(0, len(values), block):
        group = values[place : place + block]
        if name == "212":
            one, other = bits_of(group[0], 12), bits_of(group[1], 12)
            bits += one[:8] + one[8:] + other[8:] + other[:8]
        elif name == "310":
            first, second, third = (bits_of(value, 10) for value in group)
            bits += [0, *first, *third[:5], 0, *second, *third[5:]]
        else:
            bits += [bit for value in group for bit in bits_of(value, 10)] + [0, 0]
    return np.packbits(bits, bitorder="little").tobytes()


@pytest.mark.parametrize("name", PACKINGS)
@given(data=st.data())
def test_every_sample_comes_back(name, data):
    form = PACKINGS[name]
    half = 2 ** ((form.bits or 8) - 1)
    values = data.draw(st.lists(st.integers(-half, half - 1), min_size=1, max_size=20))
    stored = pack(name, values)
    stored += bytes(-len(stored) % form.size)
    unpacked = form.unpack(np.frombuffer(stored, np.uint8))
    assert unpacked[: len(values)].tolist() == values


@pytest.mark.parametrize("name", PACKINGS)
@given(samples=st.integers(0, 100), missing=st.integers(1, 5))
def test_the_bytes_that_samples_need_hold_them_and_fewer_do_not(name, samples, missing):
    form = PACKINGS[name]
    size = form.measure(samples)
    assert form.count(size) >= samples
    if samples:
        assert form.count(size - 1) < samples
        assert form.count(max(0, size - missing)) <= samples
