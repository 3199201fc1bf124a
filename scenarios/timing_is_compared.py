"""How long a refusal takes, by how much of the secret is right."""

import secrets
import statistics

from contracts.shared_secret.timing import compare, differences
from harness.story import Phase
from scenarios.cast import Cast
from scenarios.catalogue import story

_PAIRS, _QUICK_PAIRS = 150, 60
_WARM_UP = 10
_COMPARED = {"probe": "near", "control": "control"}


@story(phase=Phase.ALONE, needs=("near:tuvens-api",), operations=("generateSession", "validateSession"))
async def refusals_are_timed(cast: Cast) -> None:
    """Someone guesses the shared secret, now wrong from the first character on, now in the last only, in turn."""
    session = await cast.session()
    right = cast.secret
    book = cast.stage.recorder.book
    nothing_right = "".join("b" if char == "a" else "a" for char in right)
    nearly_right = right[:-1] + ("a" if right[-1] != "a" else "b")
    control = secrets.token_urlsafe(64)[: len(right)]
    book.learn("shared-secret-nothing-right", nothing_right)
    book.learn("shared-secret-last-character", nearly_right)
    book.learn("shared-secret-other", control)
    times: dict[str, list[float]] = {"far": [], "near": [], "control": []}
    refused = True
    last = 0
    pairs = _QUICK_PAIRS if cast.stage.quick else _PAIRS
    for turn in range(pairs + _WARM_UP):
        # The order changes, so that a drift of the machine's speed falls on all alike.
        order = [("far", nothing_right), ("near", nearly_right), ("control", nothing_right)]
        cast.stage.random.shuffle(order)
        for name, secret in order:
            reply = await cast.validates(f"guess/{name}", session.token, secret=secret, obey_limits=False)
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
