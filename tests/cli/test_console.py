"""The bars of long work."""

import io

from rich.console import Console

from ecg_keras.cli.console import make_progress


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
