"""What is said of applications that do not respond."""

from crossapp.unresponsive import unresponsive_lines
from harness.deployment import Target
from harness.verdict import Inconclusive

_START = "To fix it: check that it runs, and that url is correct. Start it with: crossapp up."
API, TICKETS, CLIENT = (f"http://127.0.0.1:{port}" for port in (3000, 3001, 5173))


def targets(client: str = "local") -> dict[str, Target]:
    kinds = {"tuvens-api": (API, "local"), "hi.events": (TICKETS, "local"), "tuvens-client": (CLIENT, client)}
    return {app: Target(app, url, url, kind) for app, (url, kind) in kinds.items()}


def refuses(app: str) -> Inconclusive:
    return Inconclusive(f"{app} does not respond: {targets()[app].url[7:]} refuses connections", remedy=_START)


def test_all_are_named_in_a_line_of_80_columns_each_and_what_to_do_once() -> None:
    lines = list(unresponsive_lines({app: refuses(app) for app in targets()}, targets()))
    assert lines == [
        "tuvens-api does not respond: 127.0.0.1:3000 refuses connections.",
        "hi.events does not respond: 127.0.0.1:3001 refuses connections.",
        "tuvens-client does not respond: 127.0.0.1:5173 refuses connections.",
        f"Nothing was verified. {_START}",
    ]


def test_where_the_others_respond_they_can_be_verified() -> None:
    assert list(unresponsive_lines({"hi.events": refuses("hi.events")}, targets()))[1:] == [
        f"Nothing was verified. {_START}",
        "To verify the other applications: crossapp verify --go-on …",
    ]


def test_each_has_its_own_remedy_where_they_differ() -> None:
    silent = {
        "tuvens-api": Inconclusive("tuvens-api does not respond: no complete answer within 15 s", remedy="Look there."),
        "hi.events": refuses("hi.events"),
    }
    assert list(unresponsive_lines(silent, targets()))[:3] == [
        f"tuvens-api does not respond at {API}: no complete answer within 15 s. Look there.",
        f"hi.events does not respond: 127.0.0.1:3001 refuses connections. {_START}",
        "Nothing was verified.",
    ]


def test_a_simulated_one_that_waited_for_a_real_one_is_not_named() -> None:
    silent = {each: refuses(each) for each in ("tuvens-api", "tuvens-client")}
    lines = list(unresponsive_lines(silent, targets("simulated")))
    assert [each for each in lines if "tuvens-client" in each] == []
    assert lines[-1] == "To verify the other applications: crossapp verify --go-on …"
