"""Example histories of the rules about durations of refusals."""

from collections.abc import Mapping

from harness.history import History
from tests.contracts.documented import error
from tests.contracts.examples import Example, breaks, holds, leaves_open
from tests.contracts.histories import history, observed


def comparisons(story: str, operation: str) -> tuple[Example, ...]:
    """What a story's comparison may show."""

    def timed(probe: Mapping[str, float], control: float = 0.5, *, pairs: int = 150, refused: bool = True) -> History:
        """Refusals of a guess that is nearly right, and of equal ones; differences in microseconds."""
        right = {"z": 0.4, "microseconds": 2.0, "smallest": 60.0}
        told = {**right, **probe}
        spread = [float(each - pairs // 2) for each in range(pairs)]
        differences = {"probe": [told["microseconds"] + each for each in spread], "control": spread}
        values = {"pairs": pairs, "exchange": 1, "all_refused": refused, "differences": differences}
        return history(
            error(operation, 401, f"{story}/guess/near"),
            observed(f"{story}/comparison", **values, probe=told, control={**right, "z": control}),
        )

    return (
        holds("both take as long", timed({})),
        holds("a difference that no attacker could use", timed({"z": 7.0, "microseconds": 4.0})),
        holds("a difference that is chance as likely as not", timed({"z": 2.0, "microseconds": 25.0})),
        breaks("a guess that is nearly right takes longer", timed({"z": 9.0, "microseconds": 80.0})),
        leaves_open("a difference that is hardly chance", timed({"z": 4.0, "microseconds": 80.0})),
        leaves_open("equal requests differ, too", timed({"z": 9.0, "microseconds": 80.0}, control=8.0)),
        leaves_open("a handful of pairs, in which nothing would be seen", timed({}, pairs=10)),
        leaves_open("a rate limit struck", timed({"z": 9.0, "microseconds": 80.0}, refused=False)),
    )
