"""How many flows a second a deployment's events allow: each flow has an event for itself."""

_TOO_MANY = 1e-5
_SECONDS = 2.0
"""Seconds that a flow takes beside its think time, at most."""


def most_flows(events: int, think: float, lanes: int = 1) -> float:
    """The flows a second of which at most one in 100,000 finds no event free, by Erlang's loss formula for Poisson
    arrivals. `think`: seconds between the steps of a flow; the lanes share the events."""
    each = max(events // lanes, 1)
    low, high = 0.0, float(each)
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if _lost(each, middle) <= _TOO_MANY else (low, middle)
    return lanes * low / (2 * think + _SECONDS)


def _lost(events: int, offered: float) -> float:
    """The share of arrivals that find all events in use (Erlang B), by its recursion."""
    lost = 1.0
    for number in range(1, events + 1):
        lost = offered * lost / (number + offered * lost)
    return lost
