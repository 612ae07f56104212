"""`ecg-keras explain`: what a network's answers about recordings rest on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ecg_keras.cli.asking_options import Count, asking_options
from ecg_keras.cli.options import PATH, PageEcgs, page_option
from ecg_keras.cli.predict_commands import SHOWN_ROWS, print_end
from ecg_keras.cli.saying import say
from ecg_keras.errors import printable
from ecg_keras.text import percent, text_table

if TYPE_CHECKING:
    from ecg_keras.attribution import Explained
    from ecg_keras.prediction import Answer, TrainedNetwork


@click.command()
@click.argument("model", type=PATH)
@click.argument("files", nargs=-1, required=True)
@click.option("--label", help="That is explained; by default each recording's strongest one.")
@click.option(
    "--method",
    type=click.Choice(["integrated_gradients", "grad_cam", "gradient_input"]),
    default="integrated_gradients",
    show_default=True,
)
@click.option("--steps", default=64, show_default=True, type=Count, help="Of the integral.")
@click.option("--out", type=PATH, help="Write the attributions to this .npz; resumes.")
@page_option("explanations")
@PageEcgs
# gradients keep what every layer gives
@asking_options(batch_size=32)
def explain(
    trained: TrainedNetwork,
    files: tuple[str, ...],
    method: str,
    out: Path | None,
    page: Path | None,
    page_ecgs: int,
    **options: Any,
) -> None:
    """Say which parts of FILES the answers of MODEL (a run or a .keras file) rest on.

    FILES are those of `ecg-keras predict`. Of a longer recording the window is explained in which
    the label is most probable. Exit code 1 where a file can't be read.
    """
    from ecg_keras import attribution, prediction
    from ecg_keras.cli.progress import progress_bar

    rows: list[Answer] = []
    drawn: list[Explained] = []
    first: list[Explained] = []
    remarks: list[str] = []
    with progress_bar("explain") as progressed:
        found = attribution.explain_recordings(
            trained,
            files,
            out=out,
            method=method,
            on_progress=progressed,
            on_warning=remarks.append,
            **options,
        )
        for one in found:
            rows.append(one.answer)
            if one.explanation is not None and len(drawn) < page_ecgs:
                drawn.append(one)
            if len(first) < SHOWN_ROWS:
                first.append(one)
    answers = prediction.Answers.of(trained, options["aggregate"], rows=rows)
    lines = [[printable(answers.name(one.answer)), *_cells(trained, one)] for one in first]
    say(text_table(["recording", "label", "probability", "where"], lines, left=4))
    if out is not None:
        say(out)
    if page is not None:
        from ecg_keras.report import prediction_page

        explained = {answers.name(one.answer): one for one in drawn}
        shown = {name: one.signal for name, one in explained.items() if one.signal is not None}
        say(prediction_page(replace(answers, shown=shown), page, explained=explained))
    print_end(answers, remarks)


def _cells(trained: TrainedNetwork, one: Explained) -> list[str]:
    """What an answer rests on: the leads that say most, or when that is."""
    found, values = one.explanation, one.answer.values
    if found is None or values is None:
        return ["", "", printable(one.answer.reason)]
    probability = float(values[trained.labels.index(found.label)])
    shares = list(found.lead_shares.items())[:3]
    where = ", ".join(f"{lead} {percent(share, 0)}" for lead, share in shares)
    if not shares:
        together = found.smoothed if found.smoothed.ndim == 1 else found.smoothed.sum(axis=1)
        where = f"most at {together.argmax() / trained.sampling_rate:.1f} s"
    return [found.label, f"{probability:.3f}", where]
