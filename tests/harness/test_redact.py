"""No secret is kept: whatever it looks like, wherever it stands, however it is spelled, whenever it becomes known."""

import json
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from harness.expectations import expect, held
from harness.history import Context, Exchange, History, Observation, Outcome, StoryOutcome, StreamEvent
from harness.judge import judge_all
from harness.redact import Redactor, fingerprint, jwt_claims, like_a_token, placeholder
from harness.report import Source
from harness.requirement import MUST, Catalogue, Requirement
from harness.saved_history import history_lines, read_history
from harness.verdict import Verdict
from tests.harness.examples import TODAY
from tests.harness.spelled import SPELLINGS, texts_in, views

_certain = settings(
    max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
tokens = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~|=+/", min_size=8, max_size=60)
printable = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=40)
any_text = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FFF, exclude_categories=["Cs", "Z", "C"]), min_size=8
)
secret_texts = st.one_of(tokens, printable, any_text)


def exchange_with(text: str, *, number: int = 1) -> Exchange:
    """An exchange that has a text in every place that can hold one."""
    in_utf8 = f"#{text}#".encode()
    return Exchange(
        number=number,
        step="s/x",
        caller="a",
        callee="b",
        operation="",
        method="POST",
        url=f"http://b/x?q={text}",
        request_headers=(("X-Sent", text),),
        request_body=in_utf8,
        outcome=Outcome.ANSWERED,
        status=200,
        response_headers=(("X-Got", text.encode().decode("latin-1")),),
        response_body=b"\xff" + in_utf8,
        started=1.0,
        seconds=0.1,
        error=f"could not send {text}",
        facts={"problems": [f"/body: {text} is no number"]},
    )


def saved(redactor: Redactor, *texts: str) -> list[str]:
    """The lines of a history that was recorded before its secrets became known."""
    history = History(Context("d", "2025-07", {}, frozenset(), {}))
    for number, each in enumerate(texts, 1):
        history.entries.append(exchange_with(each, number=number))
    text, number = texts[0], len(texts)
    history.entries.append(StreamEvent(number + 1, "s/y", kind="event", at=1.0, data=text, id=text, lines=(text,)))
    history.entries.append(Observation(number + 2, "s/y", values={"seen": [text]}))
    history.stories["s"] = StoryOutcome("s", "crashed", f"ValueError: {text}")
    return list(history_lines(history, redactor))


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS.keys())
@_certain
@given(secret=secret_texts)
def test_no_secret_stands_in_a_saved_line_however_it_was_spelled(spelling: Callable[[str], str], secret: str) -> None:
    redactor = Redactor()
    assume(not any(secret in line for line in (*saved(redactor, "nothing"), placeholder("session-token", secret))))
    redactor.register("session-token", secret)
    for line in saved(redactor, spelling(secret)):
        for text in texts_in(json.loads(line)):
            assert not [view for view in views(text) if secret in view]


@_certain
@given(secrets=st.lists(tokens, min_size=2, max_size=8, unique=True))
def test_of_many_secrets_none_is_kept_even_where_one_is_a_part_of_another(secrets: list[str]) -> None:
    secrets = [*secrets, secrets[0] + secrets[1], secrets[0][:8]]
    redactor = Redactor()
    assume(not any(each in line for each in secrets for line in (*saved(redactor, "nothing"), "<bearer:")))
    for each in secrets:
        redactor.register("bearer", each)
    lines = saved(redactor, *secrets)
    assert not [each for each in secrets for line in lines if each in line]
    for entry, secret in zip(read_history(lines).exchanges(), secrets, strict=False):
        assert placeholder("bearer", secret).encode() in entry.request_body


@_certain
@given(secret=tokens, before=st.binary(max_size=40), after=st.binary(max_size=40))
def test_all_bytes_but_the_secret_stay_the_same(secret: str, before: bytes, after: bytes) -> None:
    raw = secret.encode()
    whole = before + raw + after
    assume(whole.count(raw) == 1)
    assume(b"eyJ" not in whole)
    redactor = Redactor()
    redactor.register("jwt", secret)
    assert redactor.redact_bytes(whole) == before + placeholder("jwt", secret).encode() + after
    assert redactor.redact_bytes(before) == before


@_certain
@given(body=st.binary(max_size=200))
def test_bytes_without_a_secret_come_back_from_a_saved_history_as_they_were(body: bytes) -> None:
    assume(b"eyJ" not in body)
    seen = History(Context("d", "2025-07", {}, frozenset()))
    plain = exchange_with("plain text")
    seen.entries.append(plain)
    redactor = Redactor()
    redactor.register("jwt", "a-secret-that-is-not-in-it")
    assert read_history(history_lines(seen, redactor)).numbered(1) == plain


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_no_secret_stands_in_a_report_line(spelling: Callable[[str], str]) -> None:
    secret = "a/secret+with\"all'of&them<in>it\u00e9"
    redactor = Redactor()
    redactor.register("session-token", secret)
    history = read_history(saved(redactor, spelling(secret)))

    def broken(seen: History) -> Verdict:
        """It breaks."""
        last = seen.one("s/x")
        body = last.response_body.decode("utf-8", "replace")
        expect(False, expected=last.error, observed=f"{last.url} {last.facts} {body}", at=last)
        return held(last)

    rules = Catalogue()
    rules.add(Requirement("a.rule", "It holds.", MUST, "b", Source("2025-07", "s", "q"), broken, ("s",)))
    (finding,), _ = judge_all(rules, list(rules), history, (), TODAY)
    shown = [str(each) for each in (finding.expected, finding.observed, finding.reproduce, finding.exchanges)]
    assert not [view for text in shown for view in views(text) if secret in view]
    assert "$SESSION_TOKEN" in finding.reproduce


def test_a_jwt_is_removed_even_where_nobody_knows_it() -> None:
    jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
    unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."
    cleaned = Redactor().redact(f'{{"a": "{jwt}", "b": "Bearer {unsigned}"}}')
    assert cleaned == f'{{"a": "{placeholder("jwt", jwt)}", "b": "Bearer {placeholder("jwt", unsigned)}"}}'
    assert Redactor().redact("eyJ is no JWT, nor is eyJhbGci.x") == "eyJ is no JWT, nor is eyJhbGci.x"


def test_two_secrets_have_two_placeholders_and_one_secret_has_one() -> None:
    redactor = Redactor()
    redactor.register("bearer", "the-first-of-them")
    redactor.register("bearer", "the-second-of-them")
    redactor.register("jwt", "the-first-of-them")
    one, other, again = redactor.redact("the-first-of-them the-second-of-them the-first-of-them").split(" ")
    assert one == again == f"<bearer:{fingerprint('the-first-of-them')}>"
    assert other == f"<bearer:{fingerprint('the-second-of-them')}>"


@pytest.mark.parametrize(
    "value",
    [
        "undefined", "null-token", "[object Object]", "session_token", "password", "12345678", "{{ session_token }}",
        "localhost:5173", "http://localhost:5173/event/11", "http%3A%2F%2Flocalhost%3A5173%2F",
        "/event/11/tickets/2026",
        "ann@example.com", "An Evening of Songs 2026", "cf6aé-9f", "",
    ],
)  # fmt: skip
def test_what_stands_in_pages_for_other_reasons_is_no_token(value: str) -> None:
    assert not like_a_token(value)


@pytest.mark.parametrize(
    "value",
    [
        "0f3c9a7be1d24c55", "Zk3J-x8f_Q2mB7LwYp0a", "12|LaravelSanctumTokenOf40Characters", "a1b2c3d4", "xQzLmWvT-pk",
        "eyJpdiI6Ik%3D%3D",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "0000000000000012",
        "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
    ],
)  # fmt: skip
def test_tokens_are_known_by_their_form(value: str) -> None:
    assert like_a_token(value)


def test_what_is_too_short_to_be_a_secret_is_left_for_it_would_blacken_plain_words() -> None:
    redactor = Redactor()
    redactor.register("shared-secret", "secret")
    assert redactor.redact("the secret is out") == "the secret is out"


def test_a_secret_is_found_once_and_not_as_a_part_of_a_longer_one() -> None:
    redactor = Redactor()
    redactor.register("jwt", "a-longer-one-and-more")
    redactor.register("bearer", "a-longer-one")
    assert redactor.found_in("x a-longer-one-and-more a-longer-one-and-more") == [
        ("jwt", fingerprint("a-longer-one-and-more"))
    ]
    assert {kind for kind, _ in redactor.found_in("a-longer-one, a-longer-one-and-more")} == {"jwt", "bearer"}
    assert redactor.found_in("a%2Dlonger") == []


def test_a_secret_with_half_of_a_surrogate_pair_can_be_registered() -> None:
    redactor = Redactor()
    redactor.register("session-token", "\ud800aaaaaaaaaaaaaaaa")
    assert "\ud800" not in redactor.redact("x \ud800aaaaaaaaaaaaaaaa y")


@pytest.mark.parametrize(
    "text",
    ["", "a.b", "a.b.c", "a.b.c.d", "..", "x.bm90IGpzb24.y", "x.W10.y", "x.\u00e9.y", "x." + "W1tb" * 30_000 + ".y"],
)
def test_what_is_no_jwt_has_no_claims(text: str) -> None:
    assert jwt_claims(text) is None


def test_the_claims_of_a_jwt_are_read_unverified() -> None:
    assert jwt_claims("eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.") == {"sub": "1"}
