"""The command `ecg-keras`: each subcommand parses, calls one public function and prints."""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import click

from ecg_keras import __version__
from ecg_keras.cli.ending import noting_closed_pipes, run

# subcommand -> its module and one line; a module is imported when its command runs or asks for help
COMMANDS = {
    "train": ("train", "Make what a recipe needs, train it, score it and write its report."),
    "study": (
        "study_command",
        "Run a grid of recipes, or take predictions, and write the page of verdicts.",
    ),
    "recipe": ("train", "Check a recipe, or show it with every default."),
    "download": ("download", "Fetch a published database, verified, or what is missing of it."),
    "prepare": ("dataset_commands", "Write the TFRecord shards of a recipe's dataset."),
    "validate": ("dataset_commands", "Check shards with TensorFlow Data Validation."),
    "describe": (
        "dataset_commands",
        "Show what a dataset holds, or which sources and backbones there are.",
    ),
    "import": ("importing_command", "Make a run of weights that others published."),
    "simulate": ("dataset_commands", "Write a simulated hospital's database to disk."),
    "evaluate": ("run_commands", "Score a finished run, or predictions made elsewhere."),
    "predict": ("predict_commands", "Ask a trained network about recordings in files."),
    "explain": ("explain_command", "Say which parts of recordings a network's answers rest on."),
    "embed": ("predict_commands", "Write what goes into a network's last layer, a row a record."),
    "monitor": (
        "monitor_command",
        "Compare what a run receives and says in service with how it was made.",
    ),
    "compare": ("run_commands", "Compare two runs or files of predictions, patient by patient."),
    "transferability": (
        "checkpoint_commands",
        "Rank checkpoints for a target, before anything is trained.",
    ),
    "advise": (
        "checkpoint_commands",
        "Say which checkpoint to start from, how, and whether it is worth it.",
    ),
    "report": ("run_commands", "Write the HTML page of a finished run."),
    "export": (
        "run_commands",
        "Write a finished run for TensorFlow Serving, ONNX, LiteRT or OpenVINO.",
    ),
    "serve": ("serve_command", "Serve a network in TensorFlow Serving's REST and gRPC."),
}


# functions with another name than their command, which is a word of Python
NAMES = {"import": "import_published"}
# exit code 1 of these says that something was found: as of diff, errors have 2
FINDERS = ("monitor", "validate")
# these keep nothing of what they had done when they were stopped
RESTARTING = (
    "compare",
    "describe",
    "evaluate",
    "explain",
    "export",
    "import",
    "monitor",
    "recipe",
    "report",
    "serve",
    "transferability",
)
# these import no TensorFlow, and so no Keras; evaluate does where it predicts
WITHOUT_KERAS = ("compare", "describe", "download", "evaluate", "prepare", "recipe", "simulate")


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
        module = importlib.import_module(f"ecg_keras.cli.{COMMANDS[name][0]}")
        command: click.Command = getattr(module, NAMES.get(name, name))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from ecg_keras.errors import unknown_name

            raise click.UsageError(unknown_name("command", args[0], COMMANDS), ctx)
        if args and args[0] not in WITHOUT_KERAS and not {"-h", "--help"}.intersection(args):
            from ecg_keras.keras_settings import check_keras_settings

            check_keras_settings()
        return super().resolve_command(ctx, args)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ecg-keras")
def cli() -> None:
    """Transfer learning for 12-lead ECG diagnosis: fine-tune, or train from scratch?

    Start with `ecg-keras train recipes/quickstart.yaml`.
    """


def _restarts(words: Sequence[str]) -> bool:
    """Whether nothing is kept of what a command had done when it was stopped."""
    if words[:1] == ["predict"]:
        return not any(word.startswith("--out") for word in words)
    return bool(words) and words[0] in RESTARTING


def main() -> None:
    """Runs the command line: errors a user can fix become one line and exit code 1 or 2."""
    name = "".join(sys.argv[1:2])
    try:
        code = run(
            lambda: cli(prog_name="ecg-keras", standalone_mode=False),
            resumes=not _restarts(sys.argv[1:]),
        )
    except Exception:  # a bug, with which Python would end with 1
        if name not in FINDERS:
            raise
        traceback.print_exc()
        code = 1
    if code == 1 and name in FINDERS:
        code = 2
    if code:
        sys.exit(code)
