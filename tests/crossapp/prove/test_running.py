"""The simulators as a staging, and as a deployment file says what is armed."""

from crossapp.deployments import deployed
from crossapp.prove.running import as_staging, running_simulators
from harness.capabilities import capabilities_of


def test_a_staging_gives_what_a_file_of_real_applications_can_give() -> None:
    with deployed(None) as embedded:
        staging = as_staging(embedded)
    lost = capabilities_of(embedded) - capabilities_of(staging)
    assert {each.partition(":")[0] for each in lost} >= {"control", "failures", "launch", "jwt-secret", "database"}
    assert {"role:organiser", "role:outsider", "events", "linked-event", "fuzzing"} <= capabilities_of(staging)
    assert {each.kind for each in staging.targets.values()} == {"staging"}
    assert (len(staging.events), len(staging.linked)) == (3, 2)


def test_a_variant_that_a_deployment_file_has_to_name_is_named_while_it_is_armed() -> None:
    with running_simulators() as running:
        running.prepare(["jwt-in-local-storage"])
        armed = running.described.targets["tuvens-client"]
        running.prepare([])
        honest = running.described.targets["tuvens-client"]
    assert (armed.jwt_storage, armed.jwt_cookie) == ("localStorage:jwt", "")
    assert (honest.jwt_storage, honest.jwt_cookie) == ("", "jwt")
    with deployed(None, faults=["jwt-in-local-storage"]) as embedded:
        assert embedded.targets["tuvens-client"].jwt_storage == "localStorage:jwt"


def test_what_a_file_says_stays_true_while_a_mutant_is_armed() -> None:
    with running_simulators() as running:
        running.prepare(["mutate:generateSession:200:/session_token:drop"])
        assert running.described == running.deployment
        assert running.fired("mutate:generateSession:200:/session_token:drop") == 0
