"""Which rule about the deployment file stands behind a capability, and behind the credentials of an operation."""

from collections.abc import Iterable, Iterator

from openapi import Operation

STORY = "the_file_is_compared"
"""The story that asks the deployment for what its file says."""

_BEHIND_NEEDS = {
    "role:member": "deployment_file.member_lacks_manage_ticketing",
    "role:outsider": "deployment_file.outsider_is_in_another_account",
    "events": "deployment_file.events_are_the_organisers",
    "foreign-event": "deployment_file.foreign_event_is_foreign",
    "linked-event": "deployment_file.linked_events_agree",
    "expiry:tuvens-api": "deployment_file.session_expiry_is_announced",
}
_BEHIND_SCHEMES = {
    "userJwt": "deployment_file.organiser_is_admitted",
    "userCookie": "deployment_file.organiser_is_admitted",
    "sharedSecret": "deployment_file.shared_secret_is_accepted",
    "webhookSignature": "deployment_file.shared_secret_is_accepted",
}


def premises_in_file(needs: Iterable[str], operations: Iterable[Operation]) -> Iterator[str]:
    """The ids of the rules that the file is right in what these capabilities and operations rest on."""
    yield from (_BEHIND_NEEDS[each] for each in needs if each in _BEHIND_NEEDS)
    for operation in operations:
        yield from (_BEHIND_SCHEMES[each] for each in operation.security if each in _BEHIND_SCHEMES)
