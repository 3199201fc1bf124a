"""generate-session: the session token that a member of an account gets."""

from contracts.catalogue import RuleFamily
from contracts.expiry import seconds_to_expiry
from harness.expectations import (
    BrokenRuleError,
    UndecidedError,
    expect,
    expect_status,
    expect_success,
    held,
    json_object,
)
from harness.history import Exchange, History
from harness.requirement import MUST
from harness.verdict import Verdict

SECTION = "POST /api/cross-app/generate-session (JWT)"
STORY = "sessions_are_minted"
SAMPLE = "tokens_are_sampled"
_MINTS = "session_token.mints_a_session"

# Six standard deviations: one honest sample in 500 million would be accused.
_FAR = 6.0

rule = RuleFamily(
    level=MUST,
    obliged="tuvens-api",
    section=SECTION,
    story=STORY,
    settles="C-TA-03",
    operations="generateSession",
    depends_on=_MINTS,
)


@rule(
    quote='200 `{"session_token": "...", "expires_at": "2025-07-25T15:45:00.000Z"}`', settles="C-TA-01", depends_on=()
)
def mints_a_session(history: History) -> Verdict:
    """generate-session returns a session token and its expiry to a user with a valid JWT, for an account that the user
    belongs to."""
    answer = expect_success(history.one(f"{STORY}/first"))
    value = json_object(answer)
    for name in ("session_token", "expires_at"):
        text = value.get(name)
        observed = f"{name} is {'absent' if name not in value else type(text).__name__}"
        expect(isinstance(text, str) and text != "", expected=f"{name} as text", observed=observed, at=answer)
    return held(answer)


@rule(section="Where the sources disagree, and the ruling", quote="200; 201 is a declared deviation", settles="C-TA-01")
def generate_session_answers_200(history: History) -> Verdict:
    """generate-session returns 200 on success."""
    return held(expect_status(history.one(f"{STORY}/first"), 200))


@rule(quote="opaque to readers; 32 to 1024 URL-safe characters")
def token_has_32_to_1024_url_safe_characters(history: History) -> Verdict:
    """tuvens-api issues session tokens of 32 to 1024 URL-safe characters."""
    # That an answer has a token is a rule of its own.
    tokens = [each for each in history.every(STORY) if "token" in each.facts]
    for each in tokens:
        form = each.facts["token"]
        expect(
            32 <= form["length"] <= 1024 and form["url_safe"],
            expected="32 to 1024 URL-safe characters",
            observed=f"{form['length']} characters, {'all' if form['url_safe'] else 'not all'} URL-safe",
            at=each,
        )
    return held(tokens)


def _successes(history: History) -> list[Exchange]:
    """The answers that give a session. Raises UndecidedError for none: that is a rule of its own."""
    found = [each for each in history.every(STORY) if each.is_success]
    if not found:
        raise UndecidedError("no session was issued")
    return found


def _statistics(history: History) -> tuple[dict[str, float | None], tuple[int, ...]]:
    observation = history.observation(f"{SAMPLE}/sample statistics")
    exchanges = tuple(observation.values["exchanges"][:6])
    return dict(observation.values), exchanges or (observation.number,)


@rule(quote="The token: 32 cryptographically random bytes", story=SAMPLE, security=True)
def tokens_never_repeat(history: History) -> Verdict:
    """tuvens-api never issues the same session token twice."""
    found, exchanges = _statistics(history)
    if (found["count"] or 0) < 2:
        raise UndecidedError(f"{found['count']} token: nothing to compare")
    if found["repeats"]:
        raise BrokenRuleError(
            "all tokens differ", f"{found['repeats']} of {found['count']} tokens are repeats", exchanges
        )
    return held(history.observation(f"{SAMPLE}/sample statistics"), f"{found['count']} tokens, all different")


@rule(
    quote="The token: 32 cryptographically random bytes",
    story=SAMPLE,
    depends_on=[_MINTS, "session_token.tokens_never_repeat"],
    next_step="Generate tokens with crypto.randomBytes(32).",
    security=True,
)
def tokens_look_random(history: History) -> Verdict:
    """tuvens-api issues session tokens that statistical tests of a sample cannot distinguish from 32 random bytes."""
    found, exchanges = _statistics(history)
    bits, prefix, monobit, runs = (found[name] for name in ("bits", "shared_prefix", "monobit", "runs"))
    if bits is None or prefix is None:
        raise UndecidedError(f"{found['count']} tokens are too few, or too different in length, to test for randomness")
    observed = f"{found['count']} tokens: {bits:g} bits of each vary, two share a prefix of {prefix:g} characters"
    for name, score in (("ones and zeros", monobit), ("runs", runs)):
        if score is not None:
            observed += f", {name} {score:+.1f} standard deviations off"
    suspicious = bits < 128 or prefix > 8 or any(abs(z) > _FAR for z in (monobit, runs) if z is not None)
    if suspicious:
        raise BrokenRuleError(
            f"128 or more varying bits, no long shared prefix, statistics within {_FAR:g}", observed, exchanges
        )
    return held(history.observation(f"{SAMPLE}/sample statistics"), observed)


@rule(
    quote="`expires_at`: ISO 8601 UTC with Z, 900 s after generation.",
    settles="C-TA-02",
    depends_on=[_MINTS, "deployment_file.session_expiry_is_announced"],
)
def expires_900_seconds_after_generation(history: History) -> Verdict:
    """tuvens-api sets expires_at to 900 s after generation, or to the session lifetime that its deployment
    configures."""
    expiry = int(history.context.settings.get("session_expiry", 900))
    sessions = _successes(history)
    for each in sessions:
        left = seconds_to_expiry(each)
        expect(
            -2.0 - each.seconds <= left - expiry <= 2.0,
            expected=f"expires_at {expiry} s after the response's Date",
            observed=f"expires_at {left:.1f} s after it",
            at=each,
        )
    return held(sessions)
