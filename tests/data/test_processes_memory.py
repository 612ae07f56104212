import ctypes
import os
import subprocess
import sys

import pytest

# takes and frees what a few batches of records take, and prints the pages that a second round of it
# was lent anew
ROUNDS = """
import ctypes, resource, sys
from ecg_keras.data.processes import keep_freed_memory
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
