"""The bars of long work."""

import io

from rich.console import Console

from ecg_keras.cli.progress import HASHING, hashing_bar, make_progress
from ecg_keras.data.raw_files import raw_digest


def test_a_bar_tells_the_records_done_the_rate_and_the_time_left():
    clock = iter(range(1000))
    screen = Console(file=io.StringIO(), force_terminal=True, width=120)
    bars = make_progress(screen)
    bars.get_time = lambda: next(clock)
    task = bars.add_task("prepare shards", total=3000, note="")
    for done in (0, 100, 200, 300):
        bars.update(task, completed=done)
    screen.print(bars.get_renderable())
    shown = screen.file.getvalue()
    assert "300/3000" in shown
    assert "100/s" in shown
    assert "0:00:2" in shown


def test_a_bar_shows_how_far_recordings_are_read_and_goes(tmp_path):
    for number in range(3):
        (tmp_path / f"{number}.dat").write_bytes(bytes([number]) * 3_000_000)
    screen = Console(file=io.StringIO(), force_terminal=True, width=120)
    bars, seen = make_progress(screen), []
    update = bars.update

    def note(task, **values):
        update(task, **values)
        seen.append((bars.tasks[-1].description, bars.tasks[-1].completed, bars.tasks[-1].total))

    bars.update = note
    with hashing_bar(bars):
        raw_digest(tmp_path)
        raw_digest(tmp_path)
    assert seen[-1] == (HASHING, 9, 9) and 0 < seen[0][1] < 9
    assert bars.tasks == []
