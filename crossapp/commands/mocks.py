"""`crossapp mocks`: the mocks of unit tests for other languages."""

import json
from pathlib import Path
from typing import Annotated

import typer

from harness.exit_codes import ExitCode

_FILE, _FOLDER = 0o644, 0o755
"""What is written belongs into a repository and holds no secret: others may read it, such as a container."""


def mocks(
    msw: Annotated[
        Path | None, typer.Option("--msw", metavar="FILE", help="Write handlers for msw, as a JavaScript module.")
    ] = None,
    wiremock: Annotated[
        Path | None, typer.Option("--wiremock", metavar="DIR", help="Write DIR/mappings/*.json for WireMock.")
    ] = None,
    laravel: Annotated[
        Path | None, typer.Option("--laravel", metavar="FILE", help="Write a PHP file with stubs for Http::fake.")
    ] = None,
) -> None:
    """Write mocks of tuvens-api and hi.events for other languages. Without an option: list what they have."""
    from crossapp.mocks.exported import URLS
    from crossapp.mocks.exports import laravel_file, msw_module, wiremock_mappings

    files = {}
    if msw is not None:
        files[msw] = msw_module(f"crossapp mocks --msw {msw.name}")
    if laravel is not None:
        files[laravel] = laravel_file(f"crossapp mocks --laravel {laravel.name}")
    if wiremock is not None:
        for app in URLS:
            text = json.dumps(wiremock_mappings(app), indent=1, ensure_ascii=False)
            files[wiremock / "mappings" / f"{app}.json"] = f"{text}\n"
    for file, text in files.items():
        try:
            _write(file, text)
        except OSError as error:
            typer.echo(f"crossapp mocks: {file} cannot be written: {error.strerror}", err=True)
            raise typer.Exit(ExitCode.USAGE) from None
        typer.echo(f"wrote {file}")
    if not files:
        _list()


def _write(file: Path, text: str) -> None:
    for folder in reversed([each for each in file.parents if not each.exists()]):
        folder.mkdir()
        folder.chmod(_FOLDER)
    file.write_text(text, "utf-8")
    file.chmod(_FILE)


def _list() -> None:
    from crossapp.mocks.exported import URLS, exported_rows
    from crossapp.mocks.table import fault_names, provider_states

    for app in URLS:
        rows = exported_rows(app)
        typer.echo(f"{app}\n  provider states, with their interactions")
        for state in provider_states(app):
            typer.echo(f"    {state}")
            for each in rows:
                if each.state == state:
                    typer.echo(f"      {each.row.status} {each.row.key}")
        typer.echo("  faults")
        for name, status in fault_names(app).items():
            typer.echo(f"    {status} {name}")
