"""How webhooks are tried."""

from dataclasses import dataclass

LONGEST_TIMEOUT = 30.0
PAUSES: tuple[float, ...] = (1, 5, 25, 120, 600, 3600)


@dataclass(frozen=True, slots=True)
class DeliveryPolicy:
    """`timeout` of one attempt in real seconds, at most 30; `pauses` before each retry, by the clock.

    After the last pause and one more failure a delivery has failed for good.
    """

    timeout: float = 10.0
    pauses: tuple[float, ...] = PAUSES

    def __post_init__(self) -> None:
        if not 0 < self.timeout <= LONGEST_TIMEOUT:
            raise ValueError(f"a delivery's time-out is above 0 and at most {LONGEST_TIMEOUT:g} s")
