"""Mocks of the applications for unit tests without a server, made from the contract (docs/mocks.md)."""

from crossapp.mocks.respx_routes import (
    MockedApplication,
    MocksNotInstalledError,
    mock_hi_events,
    mock_tuvens_api,
    signed_webhook,
)

__all__ = ["MockedApplication", "MocksNotInstalledError", "mock_hi_events", "mock_tuvens_api", "signed_webhook"]
