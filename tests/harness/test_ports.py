"""Options that give ports to applications."""

import pytest

from harness.ports import read_ports

DEFAULTS = {"tuvens-api": 3000, "hi.events": 3001, "tuvens-client": 5173}


@pytest.mark.parametrize(
    ("given", "apps", "ports"),
    [
        ([], [*DEFAULTS], (3000, 3001, 5173)),
        (["4000"], [*DEFAULTS], (4000, 4001, 4002)),
        (["4000", "hi.events=9"], [*DEFAULTS], (4000, 9, 4002)),
        (["0"], [*DEFAULTS], (0, 0, 0)),
        (["4000"], ["hi.events"], (3000, 4000, 5173)),
    ],
)
def test_a_port_is_that_of_the_first_application_or_of_a_named_one(
    given: list[str], apps: list[str], ports: tuple[int, ...]
) -> None:
    assert read_ports(given, apps, DEFAULTS, ValueError) == dict(zip(DEFAULTS, ports, strict=True))


@pytest.mark.parametrize("given", ["x", "-1", "65534", "hi.events=70000", "tuvens-app=1"])
def test_another_one_is_refused_with_the_option(given: str) -> None:
    with pytest.raises(ValueError, match="--port: "):
        read_ports([given], [*DEFAULTS], DEFAULTS, ValueError)
