"""The Playwright selectors of the parts of a page, by role and text (docs/browser.md lists them).

`[targets.<app>.selectors]` of a deployment file overrides them by name.
"""

from collections.abc import Mapping

_TICKETING = "role=region[name=/^ticketing$/i]"

SELECTORS: Mapping[str, Mapping[str, str]] = {
    "tuvens-client": {
        "title": f"{_TICKETING} >> role=heading >> role=button",
        "tickets": f"{_TICKETING} >> iframe",
        "tickets_link": f"{_TICKETING} >> role=link[name=/hi\\.events/i]",
        "progress": f"{_TICKETING} >> role=progressbar",
        "paused": f"{_TICKETING} >> text=/no tickets are sold|paused at the moment/i",
        "register": f"{_TICKETING} >> role=link[name=/register/i]",
        "enable": "role=button[name=/enable ticketing/i]",
        "loading": "text=/opening hi\\.events/i",
        "problem": "role=alert",
        "retry": "role=button[name=/try again/i]",
        "callback_success": "role=heading[name=/ticketing is set up$/i]",
        "callback_error": "role=alert",
        "callback_cancelled": "role=heading[name=/cancelled/i]",
    },
    "hi.events": {
        "signed_in": "text=/signed in as/i",
        "make_live": "role=button[name=/make live/i]",
    },
}
"""Selectors by application and name. tuvens-client's event page has `title` (of the accordion), `tickets` (the iframe),
`tickets_link`, `progress`, `paused`, `register`, `enable`, `loading`, `problem` and `retry`; its callback page has
three outcomes. hi.events' page has `signed_in` (shown to signed-in users only) and `make_live` (a button)."""


def selectors_for(app: str, own: Mapping[str, str]) -> Mapping[str, str]:
    """The selectors of an application's pages; the deployment's own take precedence."""
    return {**SELECTORS[app], **own}
