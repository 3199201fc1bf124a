"""Faults that only load shows."""

from simulators.hi_events.faults.registry import registry
from simulators.hi_events.simulator import HiEvents
from simulators.kit.faults import Change
from simulators.kit.load_faults import delayed, failing


@registry.fault(kills=["load.flow_is_acceptable"], suite="load")
def sign_in_takes_6_s(hi: HiEvents) -> Change:
    """Each sign-in waits until a message to the user is sent: 6 s."""
    return delayed(hi, "validateCrossAppSession", seconds=6.0)


@registry.fault(kills=["load.flow_completes"], suite="load")
def one_sign_in_in_three_fails(hi: HiEvents) -> Change:
    """One of three instances cannot reach tuvens-api: its sign-ins fail with 500."""
    return failing(hi, "validateCrossAppSession", every=3, status=500, code="INTERNAL_ERROR")


@registry.fault(
    kills=[
        "load.widget_loads_in_1_2_s_on_average",
        "load.widget_loads_again_in_1_2_s_on_average",
        "load.widget_is_acceptable",
    ],
    suite="load",
)
def widget_loads_slowly(hi: HiEvents) -> Change:
    """The embeddable page is rendered for each visitor: 2.2 s."""
    return delayed(hi, "showEventEmbed", seconds=2.2)


@registry.fault(kills=["load.widget_loading_errors_are_rare"], suite="load")
def widget_fails_now_and_then(hi: HiEvents) -> Change:
    """One of ten embeddable pages returns 500, from an instance with an old build."""
    return failing(hi, "showEventEmbed", every=10, status=500, code="INTERNAL_ERROR")
