"""Faults of the pages' scripts and styles: each is an edit of the file that the server sends."""

from simulators.kit.faults import Change, Honest, Swap, swap
from simulators.tuvens_client.faults.registry import registry
from simulators.tuvens_client.simulator import TuvensClient


@registry.fault(kills=["browser.inactive_state_says_that_sales_are_paused"], suite="browser")
def widget_active_for_inactive(client: TuvensClient) -> Change:
    """The widget treats inactive as active: it shows the tickets of a paused event."""
    line = 'return STATES.includes(status) ? status : "setup";'
    return edited(client, "event.js", (line, f'if (status === "inactive") return "active";\n  {line}'))


@registry.fault(kills=["browser.title_follows_the_state"], suite="browser")
def title_does_not_follow(client: TuvensClient) -> Change:
    """The accordion's title is set once and does not follow the ticketing status."""
    line = "put(title, current.dataset.title);"
    return edited(client, "event.js", (line, f"if (!shown) {line}"))


@registry.fault(kills=["browser.event_page_opens"], suite="browser")
def accordion_without_title(client: TuvensClient) -> Change:
    """The accordion's title is empty."""
    return _after_rendering(client, "title.hidden = true;")


@registry.fault(kills=["browser.no_ticketing_shows_another_registration"], suite="browser")
def no_other_registration(client: TuvensClient) -> Change:
    """An event without ticketing shows an empty widget."""
    return _after_rendering(client, 'if (state === "none") current.hidden = true;')


@registry.fault(kills=["browser.setup_state_shows_progress"], suite="browser")
def setup_without_progress(client: TuvensClient) -> Change:
    """The setup state shows no progress."""
    return _after_rendering(client, 'panel.querySelector("progress").hidden = true;')


@registry.fault(kills=["browser.open_page_follows_the_changes"], suite="browser")
def updates_ignored(client: TuvensClient) -> Change:
    """The page does not listen to updates: a change shows only after a reload."""
    return edited(client, "event.js", ("\nfollow(", "\nif (false) follow("))


@registry.fault(kills=["browser.page_ignores_changes_of_other_events"], suite="browser", unsteady=True)
def updates_of_every_event(client: TuvensClient) -> Change:
    """An open page shows the status of every message, also of those about other events."""
    line = " || String(message.eventId) !== String(event.id)) return;"
    others = """) return;
  if (String(message.eventId) !== String(event.id)) {
    render({ ...event, ticketing_enabled: true, ticketing_status: message.status });
    return;
  }"""
    return edited(client, "event.js", (line, others))


@registry.fault(kills=["browser.a_waiting_page_shows_the_tickets_of_a_new_event"], suite="browser")
def updates_only_with_ticketing(client: TuvensClient) -> Change:
    """The page listens to updates only if the event had ticketing at first."""
    return edited(client, "event.js", ("\nfollow(", '\nif (shown !== "none") follow('))


@registry.fault(kills=["browser.page_shows_what_changed_before_it_listened"], suite="browser")
def first_opening_asks_nothing(client: TuvensClient) -> Change:
    """What changes between the page's rendering and the stream's opening is never shown."""
    return edited(
        client,
        "updates.js",
        ("  let source;\n", "  let source;\n  let openings = 0;\n"),
        ("      opened();\n", "      openings += 1;\n      if (openings > 1) opened();\n"),
    )


@registry.fault(kills=["browser.page_catches_up_after_a_lost_network"], suite="browser")
def stream_not_reconnected(client: TuvensClient) -> Change:
    """The stream of updates is closed at its first error, and never opened again."""
    return edited(
        client,
        "updates.js",
        ("      if (source.readyState === EventSource.CLOSED) {", "      source.close();\n      if (false) {"),
        ('  addEventListener("online", open);\n', ""),
        ('  addEventListener("pageshow", (each) => each.persisted && open());\n', ""),
    )


@registry.fault(kills=["browser.page_catches_up_after_a_lost_network"], suite="browser")
def event_read_once_when_online(client: TuvensClient) -> Change:
    """A page whose stream broke reads the event once when the network is back, and listens no more."""
    return edited(
        client,
        "updates.js",
        ("      if (source.readyState === EventSource.CLOSED) {", "      source.close();\n      if (false) {"),
        ('  addEventListener("online", open);\n', '  addEventListener("online", () => setTimeout(opened, 500));\n'),
        ('  addEventListener("pageshow", (each) => each.persisted && open());\n', ""),
    )


@registry.fault(kills=["browser.no_jwt_goes_to_hi_events"], suite="browser")
def jwt_in_the_address_of_the_tickets(client: TuvensClient) -> Change:
    """The iframe's address contains the user's JWT, so that hi.events knows the user."""
    line = 'frame.src = `${this.url.replace(/\\/$/, "")}/embed`;'
    jwt = '${(/jwt=([^;]+)/.exec(document.cookie) ?? [])[1] ?? ""}'
    return edited(client, "tickets.js", (line, line.replace("/embed`", f"/embed?token={jwt}`")))


@registry.fault(kills=["browser.tickets_load_when_they_are_near"], suite="browser")
def iframe_eager(client: TuvensClient) -> Change:
    """The iframe is loaded immediately, wherever the widget is on the page."""
    return edited(client, "tickets.js", ('    frame.loading = "lazy";\n', "    start();\n    return;\n"))


@registry.fault(kills=["browser.active_state_shows_the_tickets"], suite="browser")
def tickets_link_in_same_tab(client: TuvensClient) -> Change:
    """The link to hi.events takes the visitor away from Tuvens."""
    line = "this.link.href = url;"
    return edited(client, "tickets.js", (line, f'{line}\n    this.link.removeAttribute("target");'))


@registry.fault(kills=["browser.page_fits_the_window"], suite="browser")
def widget_not_responsive(client: TuvensClient) -> Change:
    """The iframe has a fixed width, wider than a phone."""
    return swap(
        client.assets.text,
        lambda honest, name: (
            honest(name) + (".frame iframe { width: 60rem; max-width: none; }\n" if name == "tuvens.css" else "")
        ),
    )


@registry.fault(kills=["browser.enabling_shows_that_it_works"], suite="browser")
def loading_state_missing(client: TuvensClient) -> Change:
    """Enable ticketing shows no loading state, and a second click requests a second session."""
    return edited(
        client, "journey.js", ("    busy = yes;\n", "    busy = yes;\n    return;\n"), ("    if (busy) return;\n", "")
    )


@registry.fault(kills=["browser.errors_of_enabling_are_shown"], suite="browser")
def errors_not_shown(client: TuvensClient) -> Change:
    """An error of Enable ticketing is not shown."""
    return edited(client, "journey.js", ("  function show(error) {\n", "  function show(error) {\n    return;\n"))


@registry.fault(kills=["browser.errors_of_enabling_can_be_retried"], suite="browser")
def error_without_retry(client: TuvensClient) -> Change:
    """An error of Enable ticketing is shown without a retry."""
    line = "    failed.hidden = false;\n"
    return edited(client, "journey.js", (line, f"    again.hidden = true;\n{line}"))


@registry.fault(kills=["browser.enable_ticketing_leads_to_hi_events"], suite="browser")
def return_url_of_another_origin(client: TuvensClient) -> Change:
    """The return URL belongs to another environment, as after a wrong PUBLIC_ variable."""
    return edited(client, "journey.js", ("${location.origin}/hi-events", "https://staging.tuvens.com/hi-events"))


@registry.benign(suite="browser")
def long_event_page(client: TuvensClient) -> Change:
    """The ticketing is 4,900 pixels down the event's page, below its programme."""
    return swap(
        client.assets.text,
        lambda honest, name: honest(name) + ("body { padding-top: 4900px; }\n" if name == "tuvens.css" else ""),
    )


def edited(client: TuvensClient, file: str, *edits: tuple[str, str]) -> Swap:
    """Replace texts in one of the assets."""

    def text(honest: Honest[[str], str], name: str) -> str:
        found = honest(name)
        for old, new in edits if name == file else ():
            found = found.replace(old, new)
        return found

    return swap(client.assets.text, text)


def _after_rendering(client: TuvensClient, statement: str) -> Change:
    """Run a statement at the end of each rendering of the widget."""
    return edited(client, "event.js", ("  shown = state;\n", f"  {statement}\n  shown = state;\n"))
