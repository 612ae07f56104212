"""What a header says of its samples is compared with them: files that were exchanged are found."""

import numpy as np
import pytest
from test_wfdb_formats import pack

from ecg_keras.errors import DataError
from ecg_keras.formats import read_wfdb

VALUES = np.random.default_rng(3).integers(-500, 500, (300, 2))


def write(folder, values=VALUES, *, storage="16", first=None, sums=None, length="300"):
    """A record whose header says the given figures, by default the right ones of `VALUES`."""
    first = VALUES[0] if first is None else first
    sums = VALUES.sum(axis=0) if sums is None else sums
    lines = [f"r 2 100 {length}"]
    for column, lead in enumerate(("I", "RESP")):
        lines.append(f"r.dat {storage} 100 12 0 {first[column]} {sums[column]} 0 {lead}")
    (folder / "r.hea").write_text("\n".join(lines) + "\n")
    name = storage.partition(":")[0]
    (folder / "r.dat").write_bytes(pack(name, np.asarray(values).ravel().tolist()))
    return folder / "r"


@pytest.mark.parametrize("storage", ["16", "16:2", "24", "32", "61", "160", "212", "310", "311"])
@pytest.mark.parametrize("modulo", [0, 65536, -65536])
def test_right_figures_are_no_matter(tmp_path, storage, modulo):
    sums = VALUES.sum(axis=0) + modulo
    assert read_wfdb(write(tmp_path, storage=storage, sums=sums)).values.shape == (300, 1)
    assert read_wfdb(write(tmp_path, storage=storage, length="")).values.shape == (300, 1)


@pytest.mark.parametrize("storage", ["16", "16:2", "24", "212", "311"])
def test_samples_that_the_header_was_not_written_for_are_refused(tmp_path, storage):
    other = VALUES[::-1].copy()
    other[5, 1] += 1
    with pytest.raises(DataError) as caught:
        read_wfdb(write(tmp_path, other, storage=storage))
    found = int(other[:, 1].sum() % 65536)
    assert str(caught.value) == (
        f"{tmp_path}/r.dat: the checksum of signal RESP is {found}, and r.hea says {found - 1}: "
        "these are not the samples that the header was written for. The file is damaged, or was "
        "exchanged with another recording's: download or export both again. Only if the samples "
        "are right, write 0 for first values and checksums into the header."
    )


def test_signals_that_were_exchanged_in_a_file_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"r\.dat: the checksum of signal I is"):
        read_wfdb(write(tmp_path, VALUES[:, ::-1]))


def test_one_changed_bit_is_found(tmp_path):
    path = write(tmp_path)
    stored = bytearray((tmp_path / "r.dat").read_bytes())
    stored[500] ^= 4
    (tmp_path / "r.dat").write_bytes(bytes(stored))
    with pytest.raises(DataError, match=r"r\.dat: the checksum of signal I is"):
        read_wfdb(path)


def test_without_checksums_the_first_values_tell(tmp_path):
    other = VALUES.copy()
    other[0] += 7
    with pytest.raises(DataError, match=r"r\.dat: the first value of signal I is"):
        read_wfdb(write(tmp_path, other, sums=(0, 0)))
    other[0] = VALUES[0]
    other[1] += 7
    assert len(read_wfdb(write(tmp_path, other, sums=(0, 0))).values) == 300


def test_right_sums_outweigh_first_values(tmp_path):
    assert len(read_wfdb(write(tmp_path, first=(1, 2))).values) == 300


def test_zeros_for_all_signals_say_nothing(tmp_path):
    assert len(read_wfdb(write(tmp_path, first=(0, 0), sums=(0, 0))).values) == 300


@pytest.mark.parametrize("span", [(0, 1), (1, 2), (5, 9)])
def test_of_a_part_the_first_values_of_the_whole_are_compared(tmp_path, span):
    assert read_wfdb(write(tmp_path), span=span).total == 300
    with pytest.raises(DataError, match=r"r\.dat: the first value of signal I is"):
        read_wfdb(write(tmp_path, VALUES[::-1]), span=span)


@pytest.mark.parametrize("stated", [-32768, -2048, -(2**31)])
def test_writers_spell_a_missing_first_sample_differently(tmp_path, stated):
    values = VALUES.copy()
    values[0, 0] = -2048
    path = write(tmp_path, values, storage="212", first=(stated, VALUES[0, 1]), sums=(0, 0))
    assert np.isnan(read_wfdb(path).values[0, 0])


def test_differences_are_added_up_before_they_are_compared(tmp_path):
    steps = np.diff(VALUES // 10, axis=0, prepend=VALUES[:1] // 10)
    right = {"first": VALUES[0] // 10, "sums": (VALUES // 10).sum(axis=0)}
    signal = read_wfdb(write(tmp_path, steps, storage="8", **right))
    np.testing.assert_allclose(signal.values[:, 0], VALUES[:, 0] // 10 / 100, rtol=1e-6)
    part = read_wfdb(tmp_path / "r", span=(1, 2))
    np.testing.assert_array_equal(part.values, signal.values[100:200])
