"""The other place in which pages may keep a user's JWT."""

from simulators.kit.faults import Change, Honest, swap
from simulators.kit.messages import Request, Response
from simulators.kit.templates import html_response
from simulators.tuvens_client.callback import Return
from simulators.tuvens_client.faults.registry import registry
from simulators.tuvens_client.simulator import TuvensClient

_WAITS = """<!doctype html>
<html lang="en" data-waits="yes"><head><title>Tuvens</title><script type="module" src="/_app/page.js"></script></head>
<body></body></html>
"""
# What its server makes of the JWT takes the place of the page that waits.
_ASKS = """
if (document.documentElement.dataset.waits) {
  const headers = { Accept: "text/html", Authorization: `Bearer ${localStorage.getItem("jwt") ?? ""}` };
  const answer = await fetch(location.href, { headers });
  const text = trustedTypes.createPolicy("own", { createHTML: (each) => each }).createHTML(await answer.text());
  document.documentElement.replaceWith(new DOMParser().parseFromString(text, "text/html").documentElement);
}
"""
_EDITS = {
    "event.js": (
        "const { api, hiEvents, signedIn } = section.dataset;",
        'const { api, hiEvents } = section.dataset;\nconst signedIn = localStorage.getItem("jwt") ? "yes" : "no";',
    ),
    "journey.js": ("headers: {", 'headers: { Authorization: `Bearer ${localStorage.getItem("jwt")}`,'),
}


@registry.benign(suite="browser", described={"jwt_storage": "localStorage:jwt", "jwt_cookie": ""})
def jwt_in_local_storage(client: TuvensClient) -> Change:
    """The user's JWT is kept in localStorage, and the pages' scripts send it as a bearer token."""

    def unlinked(
        honest: Honest[[Request, Return, str], Response], request: Request, found: Return, why: str
    ) -> Response:
        return honest(request, found, why) if request.header("authorization") else html_response(_WAITS)

    def text(honest: Honest[[str], str], name: str) -> str:
        old, new = _EDITS.get(name, ("import", "import"))
        return honest(name).replace(old, new) + (_ASKS if name == "page.js" else "")

    return [swap(client.callback.unlinked, unlinked), swap(client.assets.text, text)]
