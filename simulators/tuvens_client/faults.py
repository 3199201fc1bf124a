"""The faults of the simulated tuvens-client, each a realistic bug in one sentence.

Those of a page are seen by a browser alone: the scripts ask `fault(...)` at the place of the behaviour.
"""

from simulators.kit.faults import Fault, Registry
from simulators.kit.outages import missing
from simulators.turns_red import TURNS_RED

_MESSAGES = {
    "wrapper-drops-jwt": "The server route forgets to pass the user's JWT on to tuvens-api.",
    "wrapper-keeps-last-jwt": "The JWT is kept in a module of the server: who has none goes on as the user before.",
    "wrapper-forgets-account-id": "The server route sends tuvens-api an empty object instead of what it was sent.",
    "wrapper-answers-201": "The server route answers 201 to a session that was generated.",
    "wrapper-renames-fields": "The server route answers in camel case: sessionToken, expiresAt.",
    "wrapper-reshapes-errors": "The server route puts tuvens-api's errors into an envelope of its own.",
    "wrapper-hides-403": "The server route answers 500 where tuvens-api refuses an account with 403.",
    "wrapper-hides-401": "The server route answers 500 where tuvens-api refuses a JWT with 401.",
    "wrapper-fills-in-account": "Where account_id is none, the server route fills in the one that was asked for last.",
    "wrapper-caches-by-account": "The server route caches sessions by account: a user of it gets another user's.",
    "wrapper-not-deployed": "The server route is missing from the build: the router answers 404 with a page.",
    "event-page-decodes-twice": "The event page decodes the id of its path once more, and fails at a %.",
    "callback-decodes-twice": "The callback page decodes the parameters once more, and fails at a %.",
    "shared-secret-in-script": "The shared secret is a VITE_ variable: the bundler writes it into a script.",
    "session-token-in-page": "The session token generated last is printed into the page for debugging.",
}
BROWSER = {
    "widget-active-for-inactive": "The widget takes inactive for active: tickets of a paused event are shown.",
    "title-does-not-follow": "The accordion's title is set once and does not follow the ticketing status.",
    "setup-without-progress": "The setup state shows no progress.",
    "iframe-eager": "The iframe is loaded at once, wherever the widget is on the page.",
    "widget-not-responsive": "The iframe has a fixed width, wider than a telephone.",
    "updates-ignored": "The page does not listen to updates: a change is seen after a reload.",
    "stream-not-reconnected": "The stream of updates is closed at its first error, and never opened again.",
    "loading-state-missing": "Enable ticketing shows no loading state, and a second click asks for a second session.",
    "errors-not-shown": "An error of Enable ticketing is swallowed.",
    "error-without-retry": "An error of Enable ticketing is shown without a way to try again.",
    "texts-as-html": "Titles and error messages are inserted as HTML, on pages without a content security policy.",
    "return-url-of-another-origin": "The return URL is another environment's, as a wrong PUBLIC_ variable has it.",
    "callback-ignores-cancelled": "The callback page shows success after a cancelled setup.",
    "callback-does-not-patch": "The callback page tells of success, and does not PATCH the event.",
    "accordion-without-title": "The accordion's title is empty.",
    "tickets-link-in-same-tab": "The link to hi.events takes the visitor away from Tuvens.",
    "no-other-registration": "An event without ticketing shows an empty widget.",
    "updates-only-with-ticketing": "Updates are listened to only where the event had ticketing at first.",
    "first-opening-asks-nothing": "What changes between the page's rendering and the stream's opening is never shown.",
    "callback-takes-errors-for-success": "The callback page tells of a success whatever hi.events says.",
    "callback-reads-one-spelling": "The callback page knows the newer spelling of the parameters only.",
}

registry = Registry("tuvens-client")
for _name, _sentence in _MESSAGES.items():
    _missing = _name == "wrapper-not-deployed"
    _change = (lambda app: missing(app, "wrapGenerateSession")) if _missing else (lambda app: ())
    registry.add(Fault(_name, "tuvens-client", _sentence, _change, frozenset(TURNS_RED.get(_name, ()))))
for _name, _sentence in BROWSER.items():
    registry.add(Fault(_name, "tuvens-client", _sentence, kills=frozenset(TURNS_RED.get(_name, ())), suite="browser"))
FAULTS = registry.faults
