"""Running Schemathesis, in a thread: it generates cases, sends them to an address, and checks the responses.

The address is the campaign's own, which forwards requests with credentials. No credential gets here.
"""

import copy
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.private_folder import PrivateFolder

if TYPE_CHECKING:
    from schemathesis.generation.case import Case
    from schemathesis.schemas import BaseSchema

UNIT_PHASES = ("examples", "coverage", "fuzzing")
STATEFUL = "stateful"
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "ignored_auth",
)
CASE_HEADER = "x-schemathesis-testcaseid"
_STEPS = 4
_FEWEST = 5
_GRACE = 30.0
_PATIENCE = 300  # seconds for a request, waiting for a rate limit included


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed check of a case. `title` says what is wrong, `detail` where."""

    operation: str
    check: str
    title: str
    detail: str
    case: str


@dataclass(slots=True)
class FuzzResult:
    """The result of a run: `cases` as (operation, phase, id), `failures` in order, `error` if the engine failed,
    `ended` if its time was up."""

    cases: list[tuple[str, str, str]] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    error: str = ""
    ended: str = ""


@dataclass(frozen=True, slots=True)
class FuzzPlan:
    """One run of the engine.

    base_url: where the requests go.
    document: the adapted OpenAPI document.
    examples: the number of random cases for each operation.
    seconds: the time limit.
    credentials: by security scheme, `bearer` or `api_key` and a placeholder.
    values: by `place.name` (`body.session_token`), values of which half of the cases have one.
    guard: called with operationId, method, path parameters and body of a case, which it may change in place.
    """

    base_url: str
    document: Mapping[str, Any]
    operations: tuple[str, ...]
    phases: tuple[str, ...]
    examples: int
    seed: int
    seconds: float
    credentials: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    checks: tuple[str, ...] = CHECKS
    unexpected_methods: bool = False
    guard: Callable[[str, str, dict[str, Any], Any], None] = lambda operation, method, path, body: None


def run(plan: FuzzPlan, enough: threading.Event, abandoned: threading.Event) -> FuzzResult:
    """Run the engine; blocks.

    Once `enough` is set, the current phase ends without further requests: a phase that is cut off reports nothing. It
    is set here when the time is up. `abandoned` ends the run at once.
    """
    import schemathesis
    from schemathesis.hooks import GLOBAL_HOOK_DISPATCHER

    result = FuzzResult()
    config = schemathesis.Config.from_dict(_settings(plan))
    whole = schemathesis.openapi.from_dict(copy.deepcopy(dict(plan.document)), config=config)
    schema = whole.include(operation_id=list(plan.operations))

    def guarded(context: object, case: "Case[Any]", kwargs: dict[str, Any]) -> None:
        kwargs.update(auth=_as_built, proxies={"no_proxy": "127.0.0.1"})
        if case.operation.base_url == plan.base_url:
            plan.guard(_id_of(case.operation), case.method, case.path_parameters, case.body)

    # Schemathesis has this hook only globally.
    GLOBAL_HOOK_DISPATCHER.register_hook_with_name(guarded, "before_call")
    try:
        _drain(plan, schema, result, enough, abandoned)
    finally:
        GLOBAL_HOOK_DISPATCHER.unregister(guarded)
    return result


def _as_built(request: Any) -> Any:
    """Authentication for requests that have it already: without one, those of ~/.netrc would replace it."""
    return request


def _drain(
    plan: FuzzPlan, schema: "BaseSchema", result: FuzzResult, enough: threading.Event, abandoned: threading.Event
) -> None:
    from schemathesis.engine import events, from_schema

    stream = from_schema(schema).execute()

    def end() -> None:
        # A phase of an operation is a single event, so the time cannot be checked between events.
        if not abandoned.wait(plan.seconds):
            result.ended = f"stopped after {plan.seconds:g} s"
            enough.set()
            abandoned.wait(_GRACE)
        stream.stop()

    threading.Thread(target=end, daemon=True).start()
    try:
        for event in stream:
            if isinstance(event, events.ScenarioFinished):
                _take(result, event)
                if enough.is_set():
                    stream.stop()
            elif isinstance(event, events.FatalError):
                result.error = f"{type(event.exception).__name__}: {event.exception}"
            elif isinstance(event, events.NonFatalError) and not enough.is_set():
                result.error = result.error or f"{event.label}: {event.info.title}: {event.value}"
    finally:
        abandoned.set()


def _settings(plan: FuzzPlan) -> dict[str, Any]:
    """The whole configuration, so that no schemathesis.toml and no default of another version matters."""
    dictionaries = {f"value{number}": {"values": list(each)} for number, each in enumerate(plan.values.values())}
    bound = {
        name: {"dictionary": dictionary, "probability": 0.5}
        for name, dictionary in zip(plan.values, dictionaries, strict=True)
    }
    schemes = {name: dict([each]) for name, each in plan.credentials.items()}
    # Responses must not influence later cases: a run must be repeatable by its seed.
    isolated = {"extra-data-sources": {"responses": False}}
    return {
        "seed": plan.seed,
        "base-url": plan.base_url,
        "request-timeout": _PATIENCE,
        "cache": {"enabled": False},
        "continue-on-failure": True,
        "suppress-health-check": ["all"],
        "analysis": {"constants": {"enabled": False}},
        "dictionaries": dictionaries,
        "parameters": bound,
        "generation": {
            "max-examples": plan.examples,
            "no-shrink": True,  # each step of shrinking is a request; the smallest failing case is reported
            "database": "none",
            # Servers and proxies refuse control characters before an application sees them.
            "allow-x00": False,
            "exclude-header-characters": "".join(map(chr, (*range(32), *range(127, 160)))),
            "with-security-parameters": False,  # ignored_auth tests missing and wrong credentials
        },
        "auth": {"auto-signup": False, **({"openapi": schemes} if schemes else {})},
        "checks": {"enabled": False, **{name: {"enabled": True} for name in plan.checks}},
        "phases": {
            "examples": {"enabled": "examples" in plan.phases, **isolated},
            "coverage": {
                "enabled": "coverage" in plan.phases,
                **isolated,
                **({} if plan.unexpected_methods else {"unexpected-methods": []}),
            },
            "fuzzing": {"enabled": "fuzzing" in plan.phases, **isolated, "error-feedback": {"enabled": False}},
            "stateful": {
                "enabled": STATEFUL in plan.phases,
                "max-steps": _STEPS,
                "generation": {"max-examples": max(plan.examples // 10, _FEWEST)},  # each of several requests
                "link-calibration": False,
                "inference": {"algorithms": []},  # our links only
            },
        },
    }


def _take(result: FuzzResult, event: Any) -> None:
    for case_id, node in event.recorder.cases.items():
        result.cases.append((_id_of(node.value.operation), event.phase.value, case_id))
    for case_id, checks in event.recorder.checks.items():
        for each in checks:
            if each.failure_info is None:
                continue
            failure = each.failure_info.failure
            case = event.recorder.cases[failure.case_id or case_id].value
            result.failures.append(
                Failure(
                    operation=_id_of(case.operation),
                    check=each.name,
                    title=failure.title,
                    detail=failure.message,
                    case=case.id,
                )
            )


def _id_of(operation: Any) -> str:
    return str(operation.definition.raw["operationId"])


@contextmanager
def no_files_left() -> Iterator[None]:
    """Let Hypothesis keep its files in a temporary folder inside the block, instead of the working directory."""
    from hypothesis import configuration

    before = configuration.__hypothesis_home_directory
    with PrivateFolder() as folder:
        configuration.set_hypothesis_home_dir(folder)
        try:
            yield
        finally:
            configuration.set_hypothesis_home_dir(before)
