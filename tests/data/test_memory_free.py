import ctypes
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from ecg_keras.data.memory import free_memory

# takes and frees what a few batches of records take, and prints the pages that a second round of it
# was lent anew
ROUNDS = """
import ctypes, resource, sys
from ecg_keras.data.memory import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
library.free.argtypes = library.memset.argtypes = None

def take_and_free():
    blocks = [library.malloc(ctypes.c_size_t(25_000)) for _ in range(2_000)]
    for block in blocks:
        library.memset(ctypes.c_void_p(block), 1, ctypes.c_size_t(25_000))
    for block in reversed(blocks):
        library.free(ctypes.c_void_p(block))

take_and_free()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
take_and_free()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def pages_lent_anew(how: str, **environment: str) -> int:
    command = [sys.executable, "-c", ROUNDS, how]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env={**os.environ, **environment}
    )
    return int(done.stdout)


@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "gnu_get_libc_version"),
    reason="needs the GNU C library",
)
class TestFreedMemory:
    def test_is_not_lent_anew(self):
        given_back, kept = pages_lent_anew("default"), pages_lent_anew("keep")
        assert given_back > 5_000
        assert kept < given_back / 20

    def test_stays_as_the_user_set_it(self):
        assert pages_lent_anew("keep", MALLOC_TRIM_THRESHOLD_="131072") > 5_000


GB = 1 << 30
V2, V1 = "sys/fs/cgroup", "sys/fs/cgroup/memory"


def machine(root, groups, **files):
    """A system with 64 GB free, the groups of this process, and a file of each of its numbers."""
    meminfo = f"MemTotal: {128 * GB // 1024} kB\nMemAvailable: {64 * GB // 1024} kB\n"
    for name, text in {"proc/meminfo": meminfo, "proc/self/cgroup": groups, **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(str(text))
    return root


def limit_v2(group, limit, used, idle=0):
    numbers = {"max": limit, "current": used, "stat": f"anon 5\ninactive_file {idle}\nslab 1\n"}
    return {f"{V2}{group}/memory.{name}": number for name, number in numbers.items()}


class TestFreeMemory:
    def test_is_plausible_here(self):
        assert 1e6 < free_memory() < 1e14

    def test_is_that_of_the_machine_without_a_limit(self, tmp_path):
        assert free_memory(machine(tmp_path, "0::/\n")) == 64 * GB
        unlimited = limit_v2("/user", "max", 3 * GB)
        assert free_memory(machine(tmp_path, "0::/user\n", **unlimited)) == 64 * GB

    def test_is_that_of_a_container(self, tmp_path):
        # which sees its own group as the top, by the path that it has outside, or as /
        limit = limit_v2("", 8 * GB, 6 * GB)
        for path in ("/", "/system.slice/docker-12ab.scope"):
            assert free_memory(machine(tmp_path, f"0::{path}\n", **limit)) == 2 * GB

    def test_is_that_of_the_job_whose_step_has_no_limit_of_its_own(self, tmp_path):
        files = limit_v2("/slurm/job_7", 16 * GB, 12 * GB) | limit_v2(
            "/slurm/job_7/step_0", "max", 12 * GB
        )
        assert free_memory(machine(tmp_path, "0::/slurm/job_7/step_0\n", **files)) == 4 * GB

    def test_files_that_were_read_do_not_count(self, tmp_path):
        limit = limit_v2("/job", 8 * GB, 8 * GB, idle=5 * GB)
        assert free_memory(machine(tmp_path, "0::/job\n", **limit)) == 5 * GB

    def test_cgroups_of_version_1_count(self, tmp_path):
        numbers = {
            f"{V1}/job/memory.limit_in_bytes": 8 * GB,
            f"{V1}/job/memory.usage_in_bytes": 7 * GB,
            f"{V1}/job/memory.stat": f"inactive_file 1\ntotal_inactive_file {GB}\n",
        }
        groups = "9:cpu,cpuacct:/\n4:memory:/job\n0::/\n"
        assert free_memory(machine(tmp_path, groups, **numbers)) == 2 * GB

    def test_is_never_below_0(self, tmp_path):
        assert free_memory(machine(tmp_path, "0::/job\n", **limit_v2("/job", GB, 2 * GB))) == 0

    @pytest.mark.parametrize(("answer", "free"), [(1, 100 * GB), (0, 4 * GB)])
    def test_is_what_windows_says(self, tmp_path, monkeypatch, answer, free):
        def say(pointer):
            status = pointer._obj
            assert status.length == ctypes.sizeof(status) == 64
            ctypes.memmove(ctypes.byref(status, 8), (ctypes.c_uint64 * 2)(128 * GB, 100 * GB), 16)
            return answer

        kernel = SimpleNamespace(GlobalMemoryStatusEx=say)
        monkeypatch.setattr(ctypes, "windll", SimpleNamespace(kernel32=kernel), raising=False)
        assert free_memory(tmp_path) == free

    @pytest.mark.skipif(not hasattr(os, "sysconf"), reason="Windows says what is free")
    def test_is_all_there_is_where_the_system_does_not_say_more(self, tmp_path):
        assert free_memory(tmp_path) == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
