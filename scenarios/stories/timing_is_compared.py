"""The duration of refusals is compared, by how much of a secret or signature is right."""

import statistics
from collections.abc import Awaitable, Callable, Mapping

from contracts.times import iso_millis
from contracts.timing import compare, differences
from contracts.webhook.wire import sign, status_changed_body
from harness.effects import Effect
from harness.story import Phase
from scenarios.cast.cast import Cast
from scenarios.cast.sending import Reply
from scenarios.catalogue import story

_PAIRS, _QUICK_PAIRS = 150, 60
_WARM_UP = 10
_COMPARED = {"probe": "near", "control": "control"}
_OTHER_DIGIT = str.maketrans("0123456789abcdef", "123456789abcdef0")


@story(
    does={Effect.MINT, Effect.FORGE, Effect.LOAD},
    phase=Phase.ONE_BY_ONE,
    needs=("near:tuvens-api",),
    operations=("generateSession", "validateSession"),
)
async def refusals_are_timed(cast: Cast) -> None:
    """Someone guesses the shared secret, now wrong from the first character on, now in the last only, in turn."""
    session = await cast.session()
    right = cast.secret
    nothing_right = cast.hide("shared-secret-nothing-right", "".join("b" if char == "a" else "a" for char in right))
    nearly_right = cast.hide("shared-secret-last-character", right[:-1] + ("a" if right[-1] != "a" else "b"))

    async def guess(step: str, secret: str) -> Reply:
        return await cast.validates(step, session.token, secret=secret, obey_limits=False)

    await _in_turn(cast, guess, far=nothing_right, near=nearly_right)


@story(
    does={Effect.MALFORMED, Effect.FORGE, Effect.LOAD},
    phase=Phase.ONE_BY_ONE,
    needs=("near:tuvens-api",),
    operations=("receiveEventStatusChanged",),
)
async def forged_signatures_are_timed(cast: Cast) -> None:
    """Someone guesses the signature of a webhook, now wrong from the first digit on, now in the last only, in turn."""
    number = cast.stage.random.randrange(1_900_000_000, 2_147_000_000)
    # About an event that does not exist: nothing changes even if a guess is accepted.
    body = status_changed_body(
        event_id=number,
        title="An evening",
        status="DRAFT",
        tuvens_event_id=str(number),
        sent_at=iso_millis(cast.now_at("hi.events")),
    )
    right = sign(cast.secret, body)
    prefix, _, digits = right.rpartition("=")
    nothing_right = f"{prefix}={digits.translate(_OTHER_DIGIT)}"
    nearly_right = right[:-1] + right[-1].translate(_OTHER_DIGIT)

    async def guess(step: str, signature: str) -> Reply:
        return await cast.delivers(step, body, signature=signature, obey_limits=False)

    await _in_turn(cast, guess, far=nothing_right, near=nearly_right)


def guesses(*, quick: bool) -> int:
    """How many guesses one comparison takes."""
    return 3 * (_pairs(quick=quick) + _WARM_UP)


def _pairs(*, quick: bool) -> int:
    return _QUICK_PAIRS if quick else _PAIRS


async def _in_turn(cast: Cast, guess: Callable[[str, str], Awaitable[Reply]], *, far: str, near: str) -> None:
    """Make guesses of three kinds in turn and record how their durations compare: `near` with `far`, and `far` with
    itself as a control."""
    times: Mapping[str, list[float]] = {"far": [], "near": [], "control": []}
    refused = True
    last = 0
    pairs = _pairs(quick=cast.stage.quick)
    for turn in range(pairs + _WARM_UP):
        # A random order spreads a drift of the machine's speed over all three.
        order = [("far", far), ("near", near), ("control", far)]
        cast.stage.random.shuffle(order)
        for name, value in order:
            reply = await guess(f"guess/{name}", value)
            refused = refused and reply.status == 401
            last = reply.exchange.number
            if turn >= _WARM_UP:
                times[name].append(reply.exchange.seconds)
    cast.observe(
        "comparison",
        {
            "pairs": pairs,
            "all_refused": refused,
            "exchange": last,
            "median_ms": statistics.median(times["far"]) * 1000,
            "probe": compare(times["near"], times["far"]),
            "control": compare(times["control"], times["far"]),
            "differences": {name: differences(times[kind], times["far"]) for name, kind in _COMPARED.items()},
        },
    )
