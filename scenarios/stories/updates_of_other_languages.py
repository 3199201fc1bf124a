"""Webhooks as PHP, Node and Python serialise them: hi.events is written in PHP, a fork need not be."""

import json

from contracts.times import iso_millis
from contracts.webhook.vectors import LANGUAGES, written_by
from harness.effects import Effect
from scenarios.cast.cast import Cast
from scenarios.cast.updates import event_with_status
from scenarios.catalogue import story


@story(does={Effect.READ, Effect.CHANGE}, needs=("events",), operations=("receiveEventStatusChanged", "getEvent"))
async def updates_of_other_languages_are_sent(cast: Cast) -> None:
    """An event goes live and is cancelled again and again, told by PHP, Node and Python, each as it writes JSON;
    then by times with an offset."""
    async with event_with_status(cast, "CANCELLED") as (updates, state):
        told = "CANCELLED"
        for language in LANGUAGES:
            for vector in written_by(language):
                status = "LIVE" if told == "CANCELLED" else "CANCELLED"
                body = vector.body_for(
                    event_id=updates.event_id,
                    number=updates.number,
                    status=status,
                    sent_at=iso_millis(updates.next_time()),
                )
                step = f"{language}/{vector.id}"
                reply = await cast.delivers(f"{step}/update", body)
                if reply.ok:
                    told = status
                    state = await updates.reads_until_changed(f"{step}/after", state)
        value = json.loads(updates.body("LIVE" if told == "CANCELLED" else "CANCELLED"))
        value["event_sent_at"] = value["event_sent_at"].replace("Z", "+00:00")
        step = "time with offset/of zero"
        reply = await cast.delivers(f"{step}/update", json.dumps(value).encode())
        if reply.ok:
            await updates.reads_until_changed(f"{step}/after", state)
