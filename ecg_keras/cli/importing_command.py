"""`ecg-keras import`: weights that others published become a run."""

from __future__ import annotations

from pathlib import Path

import click

from ecg_keras.cli.options import PATH
from ecg_keras.cli.saying import say


@click.command("import")
@click.argument("file", required=False, type=PATH)
@click.option("--as", "family", help="The family of networks that the weights are of.")
@click.option("--card", type=PATH, help="The card of the weights; else FILE.yaml beside them.")
@click.option("--out", type=PATH, help="The run folder; else runs/ with the name of FILE.")
@click.option(
    "--card-template", "template", metavar="FAMILY", help="Print the card of a family, to fill in."
)
def import_published(
    file: Path | None,
    family: str | None,
    card: Path | None,
    out: Path | None,
    template: str | None,
) -> None:
    """Make a run of FILE, weights that others published: network, preprocessing and head.

    FILE is of PyTorch, safetensors, ONNX or Keras 2 (.h5); nothing in it is executed. Its card, a
    YAML file, says what the weights want as input, mean as output and have seen: docs/weights.md.
    train, advise, transferability, evaluate and export take the run.
    """
    from ecg_keras import weights, workflow

    if (file is None) == (template is None):
        raise click.UsageError("name either FILE or --card-template FAMILY")
    if template is not None:
        say(weights.card_template(template), nl=False)
    if file is not None:
        say(workflow.import_weights(file, out, card=card, family=family).table())
