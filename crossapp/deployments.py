"""From a deployment file to a running deployment: applications that it leaves out are simulated."""

import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import openapi
import simulators
from contracts.catalogue import catalogue
from contracts.deviations import KNOWN
from crossapp.beside import completed
from crossapp.embedded import embedded
from harness.change_journal import ChangeJournal
from harness.deployment import Deployment, DeploymentError, Target
from harness.deployment_file import build_deployment, naming, read_deployment
from harness.private_folder import PrivateFolder
from harness.suggestions import meant
from load.plan.budgets import read_budgets
from scenarios.cast.selectors import SELECTORS

EDITIONS = (openapi.EDITION,)
SIMULATED = ("tuvens-api", "hi.events", "tuvens-client")
_FREE_PORTS = [part for app in SIMULATED for part in ("--port", f"{app}=0")]


@contextmanager
def deployed(path: Path | None, *, faults: Sequence[str] = (), seed: Path | None = None) -> Iterator[Deployment]:
    """The deployment of a file, or the embedded simulators without one, inside the block.

    Applications for which the file has no url are simulated. `faults` are armed in the simulators, `seed` is for the
    embedded ones. Raises DeploymentError for the file, EmbeddedError if a simulator does not start.
    """
    arming = [part for fault in faults for part in ("--fault", fault)]
    if path is None:
        world = [] if seed is None else ["--seed", str(seed)]
        with embedded([*_FREE_PORTS, "--limits", "raised", *arming, *world]) as description:
            yield _built(_with_launch(description, faults))
        return
    value = read_deployment(path, apps=openapi.APPS, editions=EDITIONS)
    targets = value.get("targets", {})
    missing = _to_simulate(path, targets)
    if faults and not missing:
        raise DeploymentError(f"{path}: no application of this deployment is simulated, so no fault can be injected")
    if not missing:
        with naming(path):
            built = _built(value)
        yield built
        return
    for name in ("client_certificate", "proxy", "proxy_env"):
        if value.get(name):
            raise DeploymentError(
                f"{path}: {name}: simulated applications would call the real ones without it; give the url of "
                f"{', '.join(missing)}, too"
            )
    with (
        PrivateFolder() as folder,
        completed(value, missing, arming, folder) as whole,
    ):
        with naming(path):
            built = _built(whole)
        yield built


def described(path: Path | None) -> Deployment:
    """The applications for which a file has a url, or those of `crossapp up` without one. For reading records: nothing
    is started or sent. Raises DeploymentError."""
    if path is None:
        from simulators.launch import LOCAL_PORTS

        local = {app: f"http://127.0.0.1:{LOCAL_PORTS[app]}" for app in SIMULATED}
        targets = {app: Target(app, url, url, "local") for app, url in local.items()}
        return Deployment("local", EDITIONS[0], targets, users=(), shared_secret="")
    value = read_deployment(path, apps=openapi.APPS, editions=EDITIONS)
    given = {app: each for app, each in value.get("targets", {}).items() if each.get("url")}
    with naming(path):
        return _built({**value, "targets": given})


def journal_of(path: Path | None, deployment: Deployment) -> ChangeJournal | None:
    """The journal of what a run changes at the applications of a file that are not simulated; None if all are. Raises
    DeploymentError."""
    real = [app for app, each in deployment.targets.items() if each.kind != "simulated"]
    if path is None or not real:
        return None
    return ChangeJournal(real, path if deployment.safety.change_events else None)


def _to_simulate(path: Path, targets: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The applications without a url. Raises DeploymentError if one has other fields: its url was forgotten."""
    for app, target in targets.items():
        others = sorted(set(target) - {"port"})
        if not target.get("url") and (others or app not in SIMULATED):
            beside = f", where only port may be given, not {others[0]}" if others else ""
            remedy = f"; without it {app} is simulated{beside}" if app in SIMULATED else f": {app} is not simulated"
            raise DeploymentError(f"{path}: targets.{app}.url: missing{remedy}")
    return [app for app in SIMULATED if not targets.get(app, {}).get("url")]


def _built(value: Mapping[str, Any]) -> Deployment:
    deployment = build_deployment(value, apps=openapi.APPS, editions=EDITIONS)
    for app, target in deployment.targets.items():
        limited = {each.id for each in openapi.load(app).operations.values() if each.rate_limit is not None}
        for name in target.rate_limits:
            if name not in limited:
                raise DeploymentError(f"targets.{app}.rate_limits.{name}: unknown; {_known(name, limited)}")
        names = SELECTORS.get(app, {})
        for name in target.selectors:
            if name not in names:
                raise DeploymentError(f"targets.{app}.selectors.{name}: unknown; {_known(name, names)}")
    rules = {each.id for each in (*catalogue(), *read_budgets())} if deployment.deviations else set()
    ready_made = {each.name: each.sentence for each in KNOWN}
    for index, deviation in enumerate(deployment.deviations):
        if deviation.name and deviation.name not in ready_made:
            raise DeploymentError(
                f"deviations[{index}].name: no deviation is named {deviation.name}; "
                f"{_known(deviation.name, ready_made)}"
            )
        if not deviation.name and not any(fnmatchcase(each, deviation.requirement) for each in rules):
            known = _known(deviation.requirement, rules)
            raise DeploymentError(
                f"deviations[{index}].requirement: no requirement is {deviation.requirement}; {known}"
            )
    # A ready-made deviation says itself what it is.
    explained = (replace(each, reason=each.reason or ready_made.get(each.name, "")) for each in deployment.deviations)
    return replace(deployment, deviations=tuple(explained))


def _known(name: str, names: Collection[str]) -> str:
    hint = meant(name, sorted(names))
    return hint if len(names) < 20 or hint.startswith("did") else "crossapp requirements lists them"


def _with_launch(description: dict[str, Any], faults: Sequence[str]) -> dict[str, Any]:
    """The description, with a command that starts a second tuvens-api."""
    arming: list[str] = []
    if faults:
        from simulators.faults import FAULTS  # imports all simulators

        arming = [part for name in faults if FAULTS[name].app == "tuvens-api" for part in ("--fault", name)]
    launch = [sys.executable, "-m", simulators.__name__, "--json", "--exit-with-stdin", "--only", "tuvens-api"]
    description["targets"]["tuvens-api"]["launch"] = [*launch, "--port", "tuvens-api=0", *arming]
    return description
