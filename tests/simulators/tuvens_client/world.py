"""The simulated tuvens-client with the other two, seen from outside."""

import json
import time
from typing import Any

import httpx

from simulators.launch import TUVENS_API, TUVENS_CLIENT, Launched
from simulators.people import find_person
from simulators.tuvens_api.jwts import mint_jwt


class World:
    """Who asks tuvens-client, and looks at what came of it."""

    def __init__(self, built: Launched) -> None:
        self.built = built
        self.url = built.urls[TUVENS_CLIENT]
        self.http = httpx.Client(trust_env=False, timeout=20)

    def reset(self) -> None:
        """All simulators back to the seed, honest, at the real time."""
        for app in self.built.urls:
            self.control("DELETE", "/faults", app=app)
            self.control("POST", "/reset", app=app)
            self.control("PUT", "/clock", {"now": time.time(), "running": True}, app=app)

    def control(self, method: str, path: str, body: object = None, *, app: str = TUVENS_CLIENT) -> Any:
        """Ask a control plane; its JSON."""
        headers = {"Authorization": f"Bearer {self.built.control_tokens[app]}"}
        answer = self.http.request(method, f"{self.built.urls[app]}/__crossapp__{path}", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def arm(self, fault: str, *, app: str = TUVENS_CLIENT) -> None:
        """Be wrong in this way until the next reset."""
        self.control("PUT", f"/faults/{fault}", {"times": None}, app=app)

    def jwt(self, user: str = "organiser") -> str:
        """A JWT of a user, by id, email or role."""
        return mint_jwt(self.built.jwt_secret, find_person(self.built.options.seed, user).user, time.time())

    def cookie(self, user: str = "organiser") -> dict[str, str]:
        """The header of a browser in which a user is signed in."""
        return {"Cookie": f"other=1; jwt={self.jwt(user)}"}

    def get(self, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        """Open a page; no cookie is kept."""
        self.http.cookies.clear()
        return self.http.get(self.url + path, headers=headers)

    def wraps(self, body: object = None, headers: dict[str, str] | None = None) -> httpx.Response:
        """POST generate-session of the client's own server, for account 123 unless another body is given."""
        self.http.cookies.clear()
        content = json.dumps({"account_id": 123} if body is None else body)
        sent = {"Content-Type": "application/json", **(headers or {})}
        return self.http.post(f"{self.url}/api/cross-app/generate-session", content=content, headers=sent)

    def tuvens_event(self, event: str) -> Any:
        """An event as tuvens-api shows it."""
        return self.http.get(f"{self.built.urls[TUVENS_API]}/api/events/{event}").json()
