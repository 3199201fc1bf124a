"""The simulated tuvens-client: event pages with the ticketing widget, and what their own server does for them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI


def create_app() -> "FastAPI":
    """tuvens-client as a FastAPI application with the default settings.

    `uvicorn --factory simulators.tuvens_client:create_app` serves it.
    """
    from simulators.tuvens_client.app import create

    return create().fastapi
