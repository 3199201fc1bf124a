"""`crossapp openapi`: an application's document, for generators and other tools."""

import json
from enum import StrEnum
from typing import Annotated

import typer


class DocumentedApp(StrEnum):
    """The applications that have a document."""

    TUVENS_API = "tuvens-api"
    HI_EVENTS = "hi.events"
    TUVENS_CLIENT = "tuvens-client"


def openapi(
    app: Annotated[DocumentedApp, typer.Argument(metavar="APP", help="tuvens-api, hi.events or tuvens-client.")],
) -> None:
    """Print the OpenAPI document of an application in one piece, as JSON."""
    from openapi import load

    typer.echo(json.dumps(load(app).bundled(), indent=2, ensure_ascii=False))
