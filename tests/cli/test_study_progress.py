"""What a study looks like while it runs: in a terminal of any width, and in a log."""

import json
from dataclasses import replace
from io import StringIO

import pytest
from rich.cells import cell_len
from rich.console import Console

from ecg_keras.cli.study_progress import StudyProgress, shorten
from ecg_keras.config import load_study
from ecg_keras.study import Running, list_cells, snapshot

STUDY = """\
upstreams: {ptbxl: {data: {source: ptbxl}}}
downstreams: {ludb: {data: {source: ludb, label_set: superdiagnostic}}}
modes: {scratch: {start: random}, finetune: {start: upstream}}
grid: {backbones: [resnet1d18, resnet1d101], heads: [pooled], seeds: [0, 1, 2, 3]}
"""
LONG = "training diverged: the loss is nan after epoch 3. [red]Lower[/red] learning_rate, or more"


@pytest.fixture
def plan(tmp_path):
    """Two pre-trainings, 16 runs."""
    (tmp_path / "a_study_with_rather_a_long_name.yaml").write_text(STUDY)
    return list_cells(
        load_study(
            tmp_path / "a_study_with_rather_a_long_name.yaml", {"folder": str(tmp_path / "study")}
        )
    )


def now(plan, done=(), running=(), failed=(), blocked=()):
    begun = snapshot(plan)
    states = dict(begun.states) | dict.fromkeys(done, "done") | dict.fromkeys(blocked, "blocked")
    states |= dict.fromkeys((one.name for one in running), "running") | dict.fromkeys(
        dict(failed), "failed"
    )
    return replace(
        begun,
        states=states,
        counts={state: list(states.values()).count(state) for state in begun.counts},
        seconds_done=dict.fromkeys(done, 100.0),
        running=tuple(running),
        failures=tuple(failed),
        blocked=tuple((name, "no source") for name in blocked),
    )


def on_terminal(plan, *snapshots, width=80, height=24):
    """The view after these snapshots, as lines."""
    console = Console(
        file=StringIO(), force_terminal=True, width=width, height=height, legacy_windows=False
    )
    with StudyProgress(plan, console) as view:
        for one in snapshots:
            view.update(one)
    shown = Console(file=StringIO(), width=width, height=height)
    shown.print(view.render(snapshots[-1]))
    return shown.file.getvalue().splitlines()


def in_log(plan, *snapshots):
    console = Console(file=StringIO(), width=40)
    with StudyProgress(plan, console) as view:
        for one in snapshots:
            view.update(one)
    return console.file.getvalue().splitlines()


def test_a_study_that_has_not_begun(plan):
    head, counts = on_terminal(plan, now(plan))
    assert head.startswith("a_study_with_…_a_long_name   ")
    assert head.rstrip().endswith("0/18  time not known yet")
    assert counts == "18 waiting"


@pytest.mark.parametrize("width", [50, 80, 200])
def test_every_line_fits(plan, width):
    names = [cell.name for cell in plan.cells]
    one, other = Running(names[4], 0, 50, None), Running(names[5], 12, 50, 0.8123)
    third = Running(names[6], 13, 50, float("nan"))
    shown = now(plan, names[:2], [one, other, third], [(names[7], LONG)], names[-2:])
    lines = on_terminal(plan, shown, width=width)
    assert all(cell_len(line) <= width for line in lines)
    text = "\n".join(" ".join(line.split()) for line in lines)
    # 10 waiting runs and what is left of three, each 100 s, on three workers
    assert "3/16 8 min left" in text
    assert "2 done, 1 failed, 3 running, 10 waiting, 2 blocked" in text.replace("\n", " ")
    assert "begins" in text
    assert "epoch 12/50 AUROC 0.812" in text
    assert "epoch 13/50\n" in text
    assert "nan after" in text and "AUROC nan" not in text
    assert f"failed {shorten(names[7], width - 7)}\n" in text
    if width == 200:
        assert f"{names[5]} epoch 12/50" in text
        assert LONG in text
    else:
        assert "…" in text


def test_the_last_failures_are_shown(plan):
    names = [cell.name for cell in plan.cells]
    failures = [(name, f"error of {number}") for number, name in enumerate(names[:5])]
    # the third fails first
    steps = [now(plan, failed=failures[2:3]), now(plan, failed=failures)]
    text = "\n".join(on_terminal(plan, *steps))
    assert [number for number in range(5) if f"error of {number}" in text] == [1, 3, 4]
    text = "\n".join(on_terminal(plan, *steps, height=12))
    assert [number for number in range(5) if f"error of {number}" in text] == [4]
    # one is tried again
    text = "\n".join(on_terminal(plan, *steps, now(plan, failed=failures[:4])))
    assert [number for number in range(5) if f"error of {number}" in text] == [0, 1, 3]


def test_no_more_runs_than_lines(plan):
    names = [cell.name for cell in plan.cells]
    running = [Running(name, 1, 50, 0.7) for name in names[2:]]
    lines = on_terminal(plan, now(plan, names[:2], running), height=12)
    assert len(lines) <= 12
    assert lines[-1].split() == ["and", "10", "more"]
    assert len(on_terminal(plan, now(plan, names[:2], running), height=40)) == 3 + 16


def test_a_study_that_is_over(plan):
    head, counts = on_terminal(plan, now(plan, [cell.name for cell in plan.cells]))
    assert head.rstrip().endswith("18/18  all over")
    assert counts == "18 done"


def test_a_terminal_is_drawn_anew_and_left_tidy(plan):
    console = Console(file=StringIO(), force_terminal=True, width=80, legacy_windows=False)
    with StudyProgress(plan, console) as view:
        view.update(now(plan))
        view.update(now(plan, [plan.cells[0].name]))
    written = console.file.getvalue()
    assert "0/18" in written and "1/18" in written
    assert written.count("\x1b[?25l") == written.count("\x1b[?25h") == 1  # the cursor is back


def test_a_log_has_a_line_for_each_run_that_ends(plan):
    names = [cell.name for cell in plan.cells]
    scored = plan.by_name[names[3]].run.scores
    scored.parent.mkdir(parents=True)
    lines = in_log(
        plan,
        now(plan, names[:2]),
        now(plan, names[:2], [Running(names[2], 1, 50, 0.7)]),
        now(plan, names[:3]),
        now(plan, names[:3], failed=[(names[4], LONG)]),
        now(plan, names[:3], failed=[(names[4], LONG)]),
        now(plan, names[:4] + names[5:], failed=[(names[4], LONG)]),
    )
    assert lines[0] == "18 runs: 2 done, 16 waiting"
    assert lines[1] == f"3/18 {names[2]}: 100 s; 25 min left"
    assert lines[2] == f"4/18 {names[4]}: failed: {LONG}; 23 min left"
    assert lines[3] == f"18/18 {names[3]}: 100 s; all over"
    assert len(lines) == 3 + 14


def test_a_worker_between_two_runs_is_counted(plan):
    names = [cell.name for cell in plan.cells]
    both = [Running(name, 0, 50, None) for name in names[2:4]]
    lines = in_log(
        plan, now(plan, names[:2], both), now(plan, names[:3], both[1:]), now(plan, names[:4])
    )
    # 15 runs of 100 s on two workers; then on the one that was left, as nobody began another
    assert lines[1].endswith("13 min left")
    assert lines[2].endswith("23 min left")


def test_a_log_has_the_test_score_of_a_run(plan, project):
    """`project` holds a real run."""
    cell = plan.cells[2]
    cell.run.folder.mkdir(parents=True)
    real = json.loads((project / "runs" / "scratch" / "scores.json").read_text())
    cell.run.scores.write_text(json.dumps(real))
    value = real["summary"]["macro_auroc"]["value"]
    lines = in_log(plan, now(plan), now(plan, [cell.name]))
    assert lines[1] == f"1/18 {cell.name}: 100 s, test macro AUROC {value:.3f}; 28 min left"


def test_the_middle_of_a_long_name_goes():
    name = "ptbxl-resnet1d101-finetune-from-georgia-s0-f4"
    assert shorten(name, 24) == "ptbxl-resnet…orgia-s0-f4"
    assert shorten(name, len(name)) == name
    for width in range(5, 50):
        assert len(shorten(name, width)) <= width
