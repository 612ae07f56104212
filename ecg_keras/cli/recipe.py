"""`ecg-keras recipe check` and `ecg-keras recipe show`."""

from __future__ import annotations

from pathlib import Path

import click

from ecg_keras.cli.options import RecipePath, overrides


@click.group()
def recipe() -> None:
    """Check a recipe, or show it with every default."""


@recipe.command()
@click.argument("recipes", nargs=-1, required=True, type=click.Path(path_type=Path))
@overrides
def check(recipes: tuple[Path, ...], assignments: tuple[str, ...]) -> None:
    """Check RECIPES, and the recipes they name; every problem is told with its file and line."""
    from ecg_keras import workflow
    from ecg_keras.config import parse_overrides

    for path in recipes:
        job = workflow.make_job(workflow.load(path, parse_overrides(assignments)))
        others = [other for other in (job.upstream, job.baseline) if other]
        needs = [other.loaded.path.name for other in others]
        click.echo(f"{path}: good{', needs ' + ' and '.join(needs) if needs else ''}")
        for code in dict.fromkeys(
            code for one in (job, *others) for code in workflow.own_code(one.recipe)
        ):
            click.echo(f"{path}: {code} is code of your own, which is imported and run")


@recipe.command()
@RecipePath
@overrides
def show(recipe: Path, assignments: tuple[str, ...]) -> None:
    """Print RECIPE as YAML with every default and override written out."""
    from ecg_keras import workflow
    from ecg_keras.config import dump_recipe, parse_overrides

    click.echo(dump_recipe(workflow.load(recipe, parse_overrides(assignments)).recipe), nl=False)
