"""The table of subcommands: where each one is, and how it ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Subcommand:
    """One row.

    Attributes:
        module: of `ecg_keras.cli`; imported when the command runs or asks for help.
        line: what it does, in the list of commands.
        function: where it has another name than the command.
        resumes: what it had done when it was stopped is kept: always, never, or where ``--out``
            names a file.
        finds: exit code 1 says that something was found, as of diff; errors have 2.
        keras: it imports TensorFlow, and so Keras; evaluate does where it predicts.
    """

    module: str
    line: str
    function: str = ""
    resumes: Literal["always", "never", "out"] = "always"
    finds: bool = False
    keras: bool = True

    def does_resume(self, words: Sequence[str]) -> bool:
        """Whether it resumes when it is typed again with these words."""
        if self.resumes == "out":
            return any(word.partition("=")[0] == "--out" for word in words)
        return self.resumes == "always"


COMMANDS = {
    "train": Subcommand(
        "train", "Make what a recipe needs, train it, score it and write its report."
    ),
    "study": Subcommand(
        "study_command",
        "Run a grid of recipes, or take predictions, and write the page of verdicts.",
    ),
    "recipe": Subcommand(
        "train", "Check a recipe, or show it with every default.", resumes="never", keras=False
    ),
    "download": Subcommand(
        "download", "Fetch a published database, verified, or what is missing of it.", keras=False
    ),
    "prepare": Subcommand(
        "dataset_commands", "Write the TFRecord shards of a recipe's dataset.", keras=False
    ),
    "validate": Subcommand(
        "dataset_commands", "Check shards with TensorFlow Data Validation.", finds=True
    ),
    "describe": Subcommand(
        "dataset_commands",
        "Show what a dataset holds, or which sources and backbones there are.",
        resumes="never",
        keras=False,
    ),
    "import": Subcommand(
        "importing_command",
        "Make a run of weights that others published.",
        function="import_published",
        resumes="never",
    ),
    "simulate": Subcommand(
        "dataset_commands", "Write a simulated hospital's database to disk.", keras=False
    ),
    "evaluate": Subcommand(
        "run_commands",
        "Score a finished run, or predictions made elsewhere.",
        resumes="never",
        keras=False,
    ),
    "predict": Subcommand(
        "predict_commands", "Ask a trained network about recordings in files.", resumes="out"
    ),
    "explain": Subcommand(
        "explain_command",
        "Say which parts of recordings a network's answers rest on.",
        resumes="out",
    ),
    "embed": Subcommand(
        "predict_commands", "Write what goes into a network's last layer, a row a record."
    ),
    "monitor": Subcommand(
        "monitor_command",
        "Compare what a run receives and says in service with how it was made.",
        resumes="never",
        finds=True,
    ),
    "compare": Subcommand(
        "run_commands",
        "Compare two runs or files of predictions, patient by patient.",
        resumes="never",
        keras=False,
    ),
    "transferability": Subcommand(
        "checkpoint_commands",
        "Rank checkpoints for a target, before anything is trained.",
        resumes="never",
    ),
    "advise": Subcommand(
        "checkpoint_commands",
        "Say which checkpoint to start from, how, and whether it is worth it.",
    ),
    "report": Subcommand("run_commands", "Write the HTML page of a finished run.", resumes="never"),
    "export": Subcommand(
        "run_commands",
        "Write a finished run for TensorFlow Serving, ONNX, LiteRT or OpenVINO.",
        resumes="never",
    ),
    "serve": Subcommand(
        "serve_command",
        "Serve a network in TensorFlow Serving's REST and gRPC.",
        resumes="never",
    ),
}
