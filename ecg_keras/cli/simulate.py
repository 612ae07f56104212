"""`ecg-keras simulate`: a database of simulated ECGs."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--hospital", default="lakeside", show_default=True, help="Whose ECGs to imitate.")
@click.option("--records", default=1000, show_default=True, type=click.IntRange(min=10))
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0))
def simulate(folder: Path, hospital: str, records: int, seed: int) -> None:
    """Write RECORDS simulated 12-lead ECGs into FOLDER, in the layout of a real database."""
    from ecg_keras import simulate as simulator
    from ecg_keras.cli.console import progress_bar

    with progress_bar("simulate") as progressed:
        simulator.simulate(
            folder, hospital=hospital, records=records, seed=seed, on_progress=progressed
        )
    click.echo(f"{folder}: {records} recordings of {hospital}")
