"""What a load run does and measures: the journeys, their shares, and the names of the measures."""

from collections.abc import Mapping

FLOW = "flow"
"""The journey through all applications; every other one is a single call, named by its operationId."""
MIX: Mapping[str, float] = {
    "generateSession": 37.0,
    "validateSession": 23.0,
    "listUserAccounts": 4.0,
    "validatePermission": 4.0,
    "receiveEventStatusChanged": 23.0,
    FLOW: 9.0,
}
"""The journeys of the schedule and their weights, with which all rates of the standard budgets are decided at about the
same time."""
SIMULTANEOUS = "simultaneous"
"""The journey of bursts: validations sent at one moment, after the schedule."""
STREAM = "streamEventUpdates"
"""The journey of listeners, which hold a stream open."""
EMPTY = "empty"
"""The journey of a calibration: one request to an empty server."""
JOURNEYS = (*MIX, SIMULTANEOUS, STREAM, EMPTY)
"""Measures with exactly one sample an arrival; the calls within a flow are measured besides."""
TUVENS_CALLS = tuple(each for each in MIX if each != FLOW)
PAGES = ("widget/cold", "widget/warm")
"""Measures of a browser, which loads pages after the requests."""
EMPTY_PAGE = "emptyPage"
"""The page that shows the machine's own share: an empty page with an empty iframe."""

MEASURES: Mapping[str, str] = {
    "generateSession": "a user requests a session token",
    "validateSession": "hi.events validates a session token",
    "listUserAccounts": "hi.events lists the accounts of a session's user",
    "validatePermission": "hi.events checks a permission",
    "receiveEventStatusChanged": "hi.events delivers a signed webhook",
    FLOW: "the whole flow: token, sign-in at hi.events, event set live, update in tuvens-api",
    "flow/generateSession": "the first call of a flow",
    "flow/validateCrossAppSession": "the sign-in of a flow",
    "flow/getCrossAppStatus": "the status call of a flow",
    "flow/setEventStatus": "the status change of an event in a flow",
    "flow/getEvent": "reading the event from tuvens-api in a flow",
    SIMULTANEOUS: "simultaneous validations, each of another user",
    STREAM: "an event stream that stays open for the whole run",
    "widget/cold": "first visit of an event page, until the iframe with the tickets has loaded",
    "widget/warm": "second visit of an event page",
    f"{EMPTY_PAGE}/cold": "baseline of this machine: an empty page with an empty iframe, in the same browser",
    f"{EMPTY_PAGE}/warm": "second visit of the empty page",
}
"""The measures, each with a sentence for the report. `*` in a budget stands for all single calls to tuvens-api."""
