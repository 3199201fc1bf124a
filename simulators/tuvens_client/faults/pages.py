"""Faults of what the pages hold, and of what protects them."""

from collections.abc import Mapping
from typing import Any

from contracts.session_token.wire import read_session
from harness.http import Answer
from simulators.kit.faults import Change, Honest, swap
from simulators.kit.messages import Request, Response
from simulators.tuvens_client.faults.registry import registry
from simulators.tuvens_client.faults.scripts import edited
from simulators.tuvens_client.simulator import TuvensClient
from simulators.tuvens_client.wrapper import failed


@registry.fault(kills=["fuzzing.showTuvensEventPage"])
def event_page_decodes_twice(client: TuvensClient) -> Change:
    """The event page decodes the id in its path a second time, and fails on a %."""

    def check_form(honest: Honest[[Request], None], request: Request) -> None:
        if "%" in request.path_params["id"]:
            raise failed("URI malformed")
        honest(request)

    return swap(client.endpoint("showTuvensEventPage").check_form, check_form)


@registry.fault(kills=["secrecy.client_pages_hold_no_secret"])
def session_token_in_page(client: TuvensClient) -> Change:
    """The page contains the last generated session token, for debugging."""
    last = ""

    def accepted(honest: Honest[[Request, Answer], Response], request: Request, answer: Answer) -> Response:
        nonlocal last
        response = honest(request, answer)
        last = read_session(answer).session_token
        return response

    def page(honest: Honest[[Request, Mapping[str, Any]], str], request: Request, event: Mapping[str, Any]) -> str:
        shown = honest(request, event)
        return f"{shown}<!-- session: {last} -->\n" if last else shown

    return [swap(client.wrapper.accepted, accepted), swap(client.event_page.page, page)]


@registry.fault(kills=["secrecy.client_pages_hold_no_secret", "browser.nothing_in_the_browser_holds_a_secret"])
def shared_secret_in_script(client: TuvensClient) -> Change:
    """The shared secret is a VITE_ variable: the bundler writes it into a script."""
    constants = f'\nexport const env = {{ VITE_HI_EVENTS_SHARED_SECRET: "{client.config.shared_secret}" }};\n'
    return swap(client.assets.text, lambda honest, name: honest(name) + (constants if name == "page.js" else ""))


@registry.fault(kills=["browser.error_texts_stay_text", "browser.return_texts_stay_text"], suite="browser")
def texts_as_html(client: TuvensClient) -> Change:
    """Titles and error messages are inserted as HTML, on pages without a content security policy."""

    def fill(honest: Honest[[str, Mapping[str, object]], str], name: str, values: Mapping[str, object]) -> str:
        raw = client.templates.environment.overlay(autoescape=False)
        return raw.get_template(f"{name}.html").render(values)

    return [
        swap(client.templates.fill, fill),
        swap(client.client_headers.protection, lambda honest: ()),
        edited(
            client,
            "page.js",
            ("if (element.textContent !== text) element.textContent = text;", "element.innerHTML = text;"),
        ),
    ]
