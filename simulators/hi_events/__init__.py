"""The simulated hi.events: API, pages and outgoing webhooks, honest unless a fault is armed."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI


def create_app() -> "FastAPI":
    """hi.events as a FastAPI application with the default settings.

    `uvicorn --factory simulators.hi_events:create_app` serves it.
    """
    from simulators.hi_events.app import create

    return create().fastapi
