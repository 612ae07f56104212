"""Work in processes: results as they come, counted steps, errors, and a process that dies."""

import os
import signal
import sys
import time

import pytest

from ecg_keras.data.processes import get_ready, run_in_processes, stream_in_processes
from ecg_keras.errors import DataError


def square(item, count):
    for _ in range(item):
        count(1)
    return item**2


def fail_at_three(item, count):
    if item == 3:
        raise DataError("three is broken.")
    return item


def die(item, count):
    os.kill(os.getpid(), signal.SIGKILL)


def die_asked_to_end(item, count):
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.5)  # while it waits for the one that asked it to work
    os.kill(os.getpid(), signal.SIGKILL)


def modules(item, count):
    return os.getppid(), sorted(sys.modules)


class TestRunInProcesses:
    def test_gives_each_result_and_counts_all_steps(self):
        steps = []
        results = list(run_in_processes(square, [1, 2, 3, 4], 2, steps.append))
        assert sorted(results) == [1, 4, 9, 16]
        assert sum(steps) == 10

    def test_raises_what_the_work_raises(self):
        with pytest.raises(DataError, match=r"^three is broken\.$"):
            list(run_in_processes(fail_at_three, [1, 2, 3, 4, 5], 2, lambda steps: None))

    def test_says_that_a_process_was_killed(self):
        with pytest.raises(DataError, match=r"was killed.*fewer data\.workers"):
            list(run_in_processes(die, [1], 1, lambda steps: None))

    @pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
    def test_ends_where_a_process_is_killed_that_was_asked_to_end(self):
        # what it held and waited for is nobody's then
        with pytest.raises(DataError, match="was killed"):
            run_in_processes(die_asked_to_end, [1, 2], 2, lambda steps: None)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a fork server")
def test_processes_come_from_a_server_without_tensorflow():
    import tensorflow  # noqa: F401

    get_ready("ecg_keras.data.writing")
    ((parent, loaded),) = run_in_processes(modules, [0], 1, lambda steps: None)
    assert parent != os.getpid()
    assert "ecg_keras.data.processes" in loaded
    assert "tensorflow" not in loaded


def _double(number):
    return 2 * number


@pytest.mark.parametrize("processes", [1, 2])
def test_results_stream_in_order_and_no_more_is_taken_than_is_needed(processes):
    taken = []

    def items():
        for number in range(50):
            taken.append(number)
            yield number

    results = stream_in_processes(_double, items(), processes)
    assert [next(results) for _ in range(3)] == [0, 2, 4]
    assert len(taken) <= 3 + 2 * processes
    assert list(results) == list(range(6, 100, 2))
