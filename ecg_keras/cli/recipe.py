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
    """Check RECIPES and the recipes they name, and their tables where data.raw is there.

    Every problem is told with its file and line.
    """
    from ecg_keras import workflow
    from ecg_keras.config import parse_overrides
    from ecg_keras.errors import EcgKerasError, raise_together

    problems: list[EcgKerasError] = []
    for path in recipes:
        try:
            job = workflow.make_job(workflow.load(path, parse_overrides(assignments)))
            jobs = (job, *(other for other in (job.upstream, job.baseline) if other))
        except EcgKerasError as error:
            problems.append(error)
            continue
        found = [
            problem
            for one in jobs
            if one.data.raw.is_dir()  # a recipe is good wherever its recordings are
            for problem in workflow.check_data(one)
        ]
        problems += found
        if not found:
            names = " and ".join(one.loaded.path.name for one in jobs[1:])
            click.echo(f"{path}: good{f', needs {names}' if names else ''}")
        own = dict.fromkeys(code for one in jobs for code in workflow.own_code(one.recipe))
        for code in own:
            click.echo(f"{path}: {code} is code of your own, which is imported and run")
    raise_together(problems)


@recipe.command()
@RecipePath
@overrides
def show(recipe: Path, assignments: tuple[str, ...]) -> None:
    """Print RECIPE as YAML with every default and override written out."""
    from ecg_keras import workflow
    from ecg_keras.config import dump_recipe, parse_overrides

    click.echo(dump_recipe(workflow.load(recipe, parse_overrides(assignments)).recipe), nl=False)
