"""The simulators as a staging."""

from crossapp.deployments import deployed
from crossapp.prove.running import as_staging
from harness.capabilities import capabilities_of


def test_a_staging_gives_what_a_file_of_real_applications_can_give() -> None:
    with deployed(None) as embedded:
        staging = as_staging(embedded)
    lost = capabilities_of(embedded) - capabilities_of(staging)
    assert {each.partition(":")[0] for each in lost} >= {"control", "failures", "launch", "jwt-secret", "database"}
    assert {"role:organiser", "role:outsider", "events", "linked-event", "fuzzing"} <= capabilities_of(staging)
    assert {each.kind for each in staging.targets.values()} == {"staging"}
    assert (len(staging.events), len(staging.linked)) == (3, 2)
