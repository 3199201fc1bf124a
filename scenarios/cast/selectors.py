"""By which Playwright selector the parts of a page are found: by role and text, as docs/browser.md lists them.

`[targets.<app>.selectors]` of a deployment file takes these names and says otherwise.
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
"""Known names by application. Of tuvens-client's event page: `title` of the accordion; `tickets` (the iframe) and
`tickets_link`; `progress`; `paused`; `register`; `enable`, `loading`, `problem`, `retry`; of its callback page the
three outcomes. Of hi.events: what only somebody who is signed in sees, and the button that makes an event live."""


def selectors_for(app: str, own: Mapping[str, str]) -> Mapping[str, str]:
    """The selectors of an application's pages, the deployment's own before the usual ones."""
    return {**SELECTORS[app], **own}
