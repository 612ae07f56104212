"""What commands print of files never commands the terminal."""

from dataclasses import replace
from pathlib import Path

from advice_parts import dataset

import ecg_keras.cli
from ecg_keras.cli.console import ConsoleWatcher
from ecg_keras.cli.saying import safe, say, warn
from ecg_keras.data.lead_profile import summarise
from ecg_keras.signals import LEADS

# asks a terminal to put a text onto the clipboard
EVIL, SPELLED = "\x1b]52;c;cm0=\x07", r"\x1b]52;c;cm0=\x07"


def test_control_characters_are_spelled_out(capsys):
    say(f"a\t{EVIL}\nb")
    say(Path("x\x1b"), err=True, nl=False)
    warn(f"{EVIL} µ")
    assert capsys.readouterr() == (f"a\t{SPELLED}\nb\n", rf"x\x1b! {SPELLED} µ" + "\n")
    assert safe(f"[bold]{EVIL}") == rf"\[bold]{SPELLED}"


def test_every_command_prints_that_way():
    (folder,) = ecg_keras.cli.__path__
    echoing = [path.name for path in Path(folder).glob("*.py") if "click.echo" in path.read_text()]
    assert echoing == ["saying.py"]


def test_the_warnings_of_a_plan(capsys):
    with ConsoleWatcher() as watcher:
        watcher.warned(f"r.hea: {EVIL}")
    assert capsys.readouterr().err == f"! r.hea: {SPELLED}\n"


def test_the_remarks_of_a_dataset(ecg_keras, tmp_path):
    remarks = (f"{EVIL} of 3 records",)
    card = replace(dataset(), leads=LEADS, remarks=remarks, quality=summarise([], len(LEADS)))
    (tmp_path / "dataset.json").write_text(card.dump())
    answer = ecg_keras("describe", tmp_path)
    assert "\x1b" not in answer.out and f"{SPELLED} of 3 records" in answer.out
