"""`crossapp trigger`: make a simulated application act, as a person would."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from crossapp.commands.deliveries import print_replay
from crossapp.commands.errors import reported
from crossapp.commands.instance import InstanceError, InstanceOption, choose, controlled, running
from crossapp.commands.seeded import seed_of, seed_running
from crossapp.commands.status_story import StatusStory, TriggerError
from crossapp.control import ControlError
from crossapp.plain_help import PlainCommand
from harness.running import RunningApp

trigger = typer.Typer(
    name="trigger",
    help="Make a simulated application act.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

_TUVENS_API, _HI_EVENTS = "http://127.0.0.1:3000", "http://127.0.0.1:3001"


class EventStatus(StrEnum):
    """The statuses of an event at hi.events."""

    DRAFT = "DRAFT"
    LIVE = "LIVE"
    CANCELLED = "CANCELLED"
    ENDED = "ENDED"
    ARCHIVED = "ARCHIVED"


class WebhookSignature(StrEnum):
    """How a webhook is signed: with the shared secret, with another one, for another body, or not at all."""

    CORRECT = "correct"
    WRONG = "wrong"
    OTHER_BODY = "other-body"
    MISSING = "missing"


EventArgument = Annotated[str, typer.Argument(metavar="EVENT", help="Id of the event at tuvens-api, or at hi.events.")]
StatusArgument = Annotated[
    EventStatus,
    typer.Argument(metavar="STATUS", case_sensitive=False, help="DRAFT, LIVE, CANCELLED, ENDED or ARCHIVED."),
]
HiEventsOption = Annotated[
    str | None,
    typer.Option("--hi-events", metavar="URL", help="Base URL of hi.events (default: of the running crossapp up)."),
]
TuvensApiOption = Annotated[
    str | None,
    typer.Option("--tuvens-api", metavar="URL", help="Base URL of tuvens-api (default: of the running crossapp up)."),
]
UserOption = Annotated[str, typer.Option("--user", metavar="USER", help="The user who changes it: id, email or role.")]
SeedOption = Annotated[
    Path | None, typer.Option("--seed", metavar="FILE", help="Seed file with which the simulators were started.")
]


@trigger.command(cls=PlainCommand)
def status(
    event: EventArgument,
    new: StatusArgument,
    hi_events: HiEventsOption = None,
    tuvens_api: TuvensApiOption = None,
    user: UserOption = "organiser",
    seed: SeedOption = None,
    instance: InstanceOption = None,
) -> None:
    """Change an event's status at hi.events as its organiser, and wait until tuvens-api has received the webhook."""
    with _story(hi_events, tuvens_api, user, seed, instance) as story:
        story.run(event, new.value)


@trigger.command(cls=PlainCommand)
def burst(
    event: EventArgument,
    count: Annotated[int, typer.Option("--count", metavar="N", min=2, max=1000, help="How many changes.")] = 20,
    hi_events: HiEventsOption = None,
    tuvens_api: TuvensApiOption = None,
    user: UserOption = "organiser",
    seed: SeedOption = None,
    instance: InstanceOption = None,
) -> None:
    """Change an event's status many times in a row, LIVE and DRAFT in turn: webhooks and stream messages in a burst."""
    with _story(hi_events, tuvens_api, user, seed, instance) as story:
        story.burst(event, count)


@trigger.command(cls=PlainCommand)
def webhook(
    event: EventArgument,
    new: StatusArgument,
    signature: Annotated[
        WebhookSignature,
        typer.Option("--signature", metavar="HOW", help="correct, wrong, other-body or missing."),
    ] = WebhookSignature.CORRECT,
    tuvens_api: TuvensApiOption = None,
    seed: SeedOption = None,
    instance: InstanceOption = None,
) -> None:
    """Send tuvens-api a webhook in the name of hi.events, signed correctly or not; nothing changes at hi.events."""
    from simulators.kit.errors import StartError
    from simulators.tuvens_api.config import TuvensApiConfig

    with reported(StartError):
        secret = TuvensApiConfig.from_environment(os.environ).shared_secret
    with _story(_HI_EVENTS, tuvens_api, "organiser", seed, instance) as story:
        story.webhook(event, new.value, signature.value, secret)


@trigger.command(cls=PlainCommand)
def resend(
    number: Annotated[
        int | None, typer.Argument(metavar="N", min=1, help="The number of the delivery (default: the last one).")
    ] = None,
    instance: InstanceOption = None,
) -> None:
    """Send the last webhook of hi.events once more, byte for byte, as crossapp deliveries replay N does."""
    with controlled(instance, "hi.events") as apps:
        sender = apps["hi.events"]
        if number is None:
            last = sender.deliveries(limit=1)
            if not last:
                raise ControlError("hi.events has not sent a webhook yet; send one: crossapp trigger status 11 LIVE")
            number = int(last[0]["id"])
        print_replay(sender, number)


@trigger.command(cls=PlainCommand)
def reconnect(instance: InstanceOption = None) -> None:
    """Close all event streams of tuvens-api, so that pages have to reconnect."""
    with controlled(instance, "tuvens-api") as apps:
        closed = apps["tuvens-api"].close_streams()
        typer.echo(f"{closed} {'stream was' if closed == 1 else 'streams were'} closed.")


@contextmanager
def _story(
    hi_events: str | None, tuvens_api: str | None, user: str, seed: Path | None, instance: str | None
) -> Iterator[StatusStory]:
    apps = _found(instance) if hi_events is None or tuvens_api is None else {}
    hi_events = hi_events or (apps["hi.events"].url if "hi.events" in apps else _HI_EVENTS)
    tuvens_api = tuvens_api or (apps["tuvens-api"].url if "tuvens-api" in apps else _TUVENS_API)
    known = seed_running(apps) if apps and seed is None else seed_of(seed)
    ca_file = next((each.ca_file for each in apps.values()), "")
    try:
        with StatusStory(hi_events, tuvens_api, user, known, ca_file) as story:
            yield story
    except TriggerError as error:
        typer.echo(f"crossapp trigger: {error}", err=True)
        raise typer.Exit(error.code) from None


def _found(instance: str | None) -> Mapping[str, RunningApp]:
    """The applications of the running instance. Without a name, none where none runs: real ones may be there."""
    with reported(InstanceError):
        return choose(instance).apps if instance is not None or running() else {}
