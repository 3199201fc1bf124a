"""The simulated tuvens-client with the other two, seen from outside."""

import json
from typing import Any

import httpx

from simulators.launch import TUVENS_API, TUVENS_CLIENT, Launched
from tests.launching import Outside


class World(Outside):
    """Who asks tuvens-client, and looks at what came of it."""

    app = TUVENS_CLIENT

    def __init__(self, built: Launched) -> None:
        super().__init__(built)
        self.url = built.urls[TUVENS_CLIENT]

    def cookie(self, user: str = "organiser") -> dict[str, str]:
        """The header of a browser in which a user is signed in."""
        return {"Cookie": f"other=1; jwt={self.jwt(user)}"}

    def get(self, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        """Open a page; no cookie is kept."""
        self.client.cookies.clear()
        return self.client.get(self.url + path, headers=headers)

    def wraps(self, body: object = None, headers: dict[str, str] | None = None) -> httpx.Response:
        """POST generate-session of the client's own server, for account 123 unless another body is given."""
        self.client.cookies.clear()
        content = json.dumps({"account_id": 123} if body is None else body)
        sent = {"Content-Type": "application/json", **(headers or {})}
        return self.client.post(f"{self.url}/api/cross-app/generate-session", content=content, headers=sent)

    def tuvens_event(self, event: str) -> Any:
        """An event as tuvens-api shows it."""
        return self.client.get(f"{self.built.urls[TUVENS_API]}/api/events/{event}").json()
