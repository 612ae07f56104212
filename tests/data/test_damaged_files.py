"""Damaged files: a result or one of our own errors, whatever stands in them, and nothing else.

`tools/fuzz.py` looks longer, guided by coverage; here are a few hundred changes of each file.
"""

import importlib.util
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from process_memory import noting_memory
from small_databases import write_wfdb

from ecg_keras.errors import DataError
from ecg_keras.formats import read_wfdb

TOOLS = Path(__file__).resolve().parents[2] / "tools"
# what breaks readers: other numbers, other places, other types
TOKENS = (
    b"1000000000000", b"-1", b"0", b"nan", b"inf", b"1e308", b"../../secret", b"/etc/passwd",
    b"", b" ", b"\n", b",", b'"', b"\0", b"\xff\xfe", b"{", b"]", b"'", b"#", b"16x4", b"212",
    b"None", b"true", b"[" * 50, "é".encode(),
)  # fmt: skip


def load_script():
    """`tools/fuzz.py` as a module."""
    spec = importlib.util.spec_from_file_location("fuzz_script", TOOLS / "fuzz.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclass looks itself up there
    spec.loader.exec_module(module)
    return module


SCRIPT = load_script()


@st.composite
def changes(draw):
    """Up to four cuts: from where, how much is lost (shares of the file), what takes its place."""
    cut = st.tuples(st.floats(0, 1), st.sampled_from([0, 1, 2, 8, 40]), st.sampled_from(TOKENS))
    return draw(st.lists(cut, min_size=1, max_size=4))


def damage(content, cuts):
    for place, lost, token in cuts:
        start = round(place * len(content))
        content = content[:start] + token + content[start + lost :]
    return content


@pytest.fixture(scope="module", params=SCRIPT.TARGETS)
def target(request, tmp_path_factory):
    """A target, its folder, and the undamaged file."""
    target, root = SCRIPT.TARGETS[request.param], tmp_path_factory.mktemp("fuzz") / "database"
    target.write(root)
    return target, root, (root / target.file).read_bytes()


def test_the_undamaged_file_is_read(target):
    one, root, undamaged = target
    assert SCRIPT.try_input(one, root, undamaged)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cuts=changes())
def test_a_damaged_file_is_read_or_refused(target, cuts):
    one, root, undamaged = target
    begun = time.monotonic()
    with SCRIPT.reading_only_inside(root):
        SCRIPT.try_input(one, root, damage(undamaged, cuts))
    assert time.monotonic() - begun < SCRIPT.SECONDS_EACH


def test_opening_another_file_is_noticed(tmp_path):
    (tmp_path / "inside").mkdir()
    (tmp_path / "secret").write_text("x")
    with (
        SCRIPT.reading_only_inside(tmp_path / "inside"),
        pytest.raises(SCRIPT.OutsideError, match="secret"),
    ):
        (tmp_path / "secret").read_text()
    assert (tmp_path / "secret").read_text() == "x"


def test_watching_again_slows_nothing_down(tmp_path, monkeypatch):
    # a hook stays until the process ends, and is called whenever a function is looked at
    with SCRIPT.reading_only_inside(tmp_path):
        pass
    monkeypatch.setattr(sys, "addaudithook", lambda hook: pytest.fail("a second hook"))
    with SCRIPT.reading_only_inside(tmp_path):
        pass


@pytest.mark.parametrize("samples", [10**12, 2 * 10**9])
@pytest.mark.parametrize("held", [16, None], ids=["small file", "file as long as promised"])
def test_a_header_that_promises_too_much_takes_no_memory(samples, held, tmp_path):
    write_wfdb(tmp_path, header=f"r 1 500 {samples}\nr.dat 16 1000/mV 16 0 0 0 0 II\n")
    with (tmp_path / "r.dat").open("wb") as file:
        # sparse: as long as it says, and nothing on the disk
        file.truncate(held or 2 * samples)
    with noting_memory() as taken, pytest.raises(DataError, match=r"r\.dat|r\.hea"):
        read_wfdb(tmp_path / "r")
    assert taken() < 50_000  # KiB


def test_the_script_prints_a_row_for_each_target(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["fuzz.py", "recipe", "ptbxl_table"])
    monkeypatch.setattr(SCRIPT, "run_target", lambda name, seconds: (name, "9", "3", "nothing"))
    with pytest.raises(SystemExit) as end:
        SCRIPT.main()
    assert not end.value.code
    assert capsys.readouterr().out.splitlines()[2:] == [
        "| recipe | 9 | 3 | nothing |",
        "| ptbxl_table | 9 | 3 | nothing |",
    ]


def test_a_finding_fails_the_script(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["fuzz.py", "recipe"])
    monkeypatch.setattr(SCRIPT, "run_target", lambda name, seconds: (name, "9", "3", "x: KeyError"))
    with pytest.raises(SystemExit) as end:
        SCRIPT.main()
    assert end.value.code == 1


def test_damage_changes_what_it_says():
    assert damage(b"abcdef", [(0.5, 2, b"X")]) == b"abcXf"
    assert damage(b"", [(1.0, 40, b"nan")]) == b"nan"
