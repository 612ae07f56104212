"""`ecg-keras describe`: datasets, sources and backbones."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("shards", required=False, type=click.Path(path_type=Path))
@click.option("--verify", is_flag=True, help="Compare every shard with its checksum.")
@click.option(
    "--against",
    type=click.Path(path_type=Path),
    help="List the recordings and patients that this other dataset has, too.",
)
@click.option("--sources", is_flag=True, help="List the databases that can be read.")
@click.option("--backbones", is_flag=True, help="List the networks that can be trained.")
def describe(
    shards: Path | None, verify: bool, against: Path | None, sources: bool, backbones: bool
) -> None:
    """Tell what SHARDS hold, or which sources and backbones there are."""
    if (verify or against is not None) and shards is None:
        raise click.UsageError(f"{'--verify' if verify else '--against'} needs a folder of shards")
    if shards is None and not sources and not backbones:
        raise click.UsageError("name a folder of shards, or give --sources or --backbones")
    if shards is not None:
        from ecg_keras import data
        from ecg_keras.data import lead_profile

        if verify:
            from ecg_keras.cli.console import progress_bar

            with progress_bar("verify, MB") as moved:
                dataset = data.describe(
                    shards,
                    verify=True,
                    on_progress=lambda done, total: moved(done // 10**6, total // 10**6),
                )
        else:
            dataset = data.describe(shards)
        click.echo(f"{dataset.table()}\n\n{lead_profile.table(dataset.quality, dataset.leads)}")
        if verify:
            click.echo("each shard has the bytes that were written")
        if against is not None:
            click.echo()
            click.echo(data.describe_shared(shards, against).table())
    if sources:
        from ecg_keras.sources import FOLDER, SOURCES, find_source

        for name in SOURCES:
            if name == FOLDER:
                click.echo(f"{name:16} {'labels':18} those of your own table")
                continue
            for label_set, labels in find_source(name).LABEL_SETS.items():
                shown = ", ".join(labels[:6]) + (", ..." if len(labels) > 6 else "")
                click.echo(f"{name:16} {label_set:18} {len(labels):3} labels: {shown}")
    if backbones:
        from ecg_keras.models import BACKBONES

        for name in BACKBONES:
            click.echo(name)
