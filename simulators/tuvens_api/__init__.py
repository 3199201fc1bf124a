"""The simulated tuvens-api: everything that the contract says of it, honest unless a fault is armed."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI


def create_app() -> "FastAPI":
    """tuvens-api as a FastAPI application with the default settings.

    `uvicorn --factory simulators.tuvens_api:create_app` serves it.
    """
    from simulators.tuvens_api.app import create

    return create().fastapi
