"""The command `ecg-keras`: each subcommand parses, calls one public function and prints."""

from __future__ import annotations

import importlib
import sys
import traceback
from typing import Any

import click

from ecg_keras import __version__
from ecg_keras.cli.commands import COMMANDS as COMMANDS
from ecg_keras.cli.ending import noting_closed_pipes, run


class _Commands(click.Group):
    """Lists the commands without importing what they need."""

    def make_context(self, *args: Any, **others: Any) -> click.Context:
        with noting_closed_pipes():
            return super().make_context(*args, **others)

    def invoke(self, ctx: click.Context) -> Any:
        with noting_closed_pipes():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        row = COMMANDS[name]
        module = importlib.import_module(f"ecg_keras.cli.{row.module}")
        command: click.Command = getattr(module, row.function or name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, row.line) for name, row in COMMANDS.items()])

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from ecg_keras.errors import unknown_name

            raise click.UsageError(unknown_name("command", args[0], COMMANDS), ctx)
        row = COMMANDS.get("".join(args[:1]))
        if row is not None and row.keras and not {"-h", "--help"}.intersection(args):
            from ecg_keras.keras_settings import check_keras_settings

            check_keras_settings()
        return super().resolve_command(ctx, args)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ecg-keras")
def cli() -> None:
    """Transfer learning for 12-lead ECG diagnosis: fine-tune, or train from scratch?

    Start with `ecg-keras train recipes/quickstart.yaml`.
    """


def main() -> None:
    """Runs the command line: errors a user can fix become one line and exit code 1 or 2."""
    row = COMMANDS.get("".join(sys.argv[1:2]))
    finds = row is not None and row.finds
    try:
        code = run(
            lambda: cli(prog_name="ecg-keras", standalone_mode=False),
            resumes=row is None or row.does_resume(sys.argv[2:]),
        )
    except Exception:  # a bug, with which Python would end with 1
        if not finds:
            raise
        traceback.print_exc()
        code = 1
    if code == 1 and finds:
        code = 2
    if code:
        sys.exit(code)
