"""Makes vectors.json anew. Needs php and node: `python -m contracts.webhook.vectors.make`.

PHP, Node.js and Python write bodies with their own JSON libraries, and each signs every body of the file with its own
HMAC; nothing is written unless the three agree.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from contracts.webhook.vectors import EVENT, FILE, LANGUAGES, NUMBER, SENT_AT, STATUS, tools

KEY = "vector-key-0123456789abcdef-for-tests-only"
TITLE = 'Café / Müller 🎉 “live” <b>"quoted"</b> \\ it\'s\u2028line\ttab'
UPDATE: dict[str, Any] = {
    "event_type": "event.status_changed",
    "event_sent_at": SENT_AT,
    "payload": {"id": NUMBER, "title": TITLE, "status": STATUS, "tuvens_event_id": EVENT},
}
_PLAIN: dict[str, Any] = {**UPDATE, "payload": {**UPDATE["payload"], "title": "Evening of Songs"}}
STATUSES = {"accept": (200, 404), "malformed": (400,), "open": (200, 400, 404), "refuse": (401,)}
"""The answers by outcome; 404 where the receiver knows no such event."""

WRITERS = {
    "php": {
        "json-encode": "json_encode($update)",
        "unescaped-slashes": "json_encode($update, JSON_UNESCAPED_SLASHES)",
        "unescaped-slashes-and-unicode": "json_encode($update, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE)",
        "unescaped-line-terminators": "json_encode($update, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_LINE_TERMINATORS)",
        "pretty-print": "json_encode($update, JSON_PRETTY_PRINT)",
        "hex-tags-and-quotes": "json_encode($update, JSON_HEX_TAG | JSON_HEX_APOS | JSON_HEX_QUOT)",
    },
    "node": {
        "json-stringify": "JSON.stringify(update)",
        "indented-by-two": "JSON.stringify(update, null, 2)",
        "indented-by-tabs": "JSON.stringify(update, null, '\\t')",
        "payload-first": "JSON.stringify({payload: update.payload, ...update})",
    },
    "python": {
        "json-dumps": "json.dumps(update)",
        "not-only-ascii": "json.dumps(update, ensure_ascii=False)",
        "compact-and-sorted": "json.dumps(update, separators=(',', ':'), sort_keys=True)",
        "sorted-and-indented": "json.dumps(update, sort_keys=True, indent=4)",
        "newline-at-the-end": "json.dumps(update) + '\\n'",
    },
}


@dataclass(frozen=True, slots=True)
class Case:
    """A vector before it is signed. `header` is the rightly made one where it is Ellipsis."""

    id: str
    body: bytes
    why: str
    outcome: str = "accept"
    key: str = KEY
    header: Any = ...
    written_by: tuple[str, str] | None = None


def compact(value: object) -> bytes:
    """JSON without a space, text as it is."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _with_extra(raw: str) -> bytes:
    """The plain delivery with one more field, as raw JSON: receivers ignore what they do not know."""
    return compact(_PLAIN)[:-1] + b"," + raw.encode() + b"}"


def _titled(raw: bytes) -> bytes:
    """The plain delivery with another title, as raw bytes between the quotes."""
    return compact(_PLAIN).replace(b"Evening of Songs", raw)


def _written() -> Iterator[Case]:
    for language, expressions in WRITERS.items():
        _, bodies, _ = tools.run(language, update=UPDATE, expressions=list(expressions.values()))
        for (name, expression), body in zip(expressions.items(), bodies, strict=True):
            why = f"As {language} writes JSON."
            yield Case(f"{language}-{name}", body, why, written_by=(language, expression))


def _accepted() -> Iterator[Case]:
    plain = compact(_PLAIN)
    payload = _PLAIN["payload"]
    backwards = dict(reversed([*_PLAIN.items(), ("payload", dict(reversed(payload.items())))]))
    spaced = json.dumps(_PLAIN, separators=(" , ", " : ")).encode()
    yield Case("plain-compact", plain, "The shortest form, ASCII only.")
    yield Case("spaced", spaced, "Spaces before and after commas and colons.")
    yield Case(
        "windows-line-ends", json.dumps(_PLAIN, indent="\t").replace("\n", "\r\n").encode(), "Lines end with CR LF."
    )
    yield Case("white-space-around", b" \t\r\n" + plain + b"\n \t", "White space before and after the JSON.")
    yield Case("trailing-newline", plain + b"\n", "One newline after the JSON.")
    yield Case("trailing-crlf", plain + b"\r\n", "CR LF after the JSON.")
    yield Case("keys-backwards", compact(backwards), "Every object's keys in reverse order.")
    yield Case("keys-escaped", plain.replace(b'"status"', b'"st\\u0061tus"'), "An ASCII letter of a key as an escape.")
    yield Case("literal-utf-8", _titled("Café Müller, Größe, Ünïcödé".encode()), "Accents as UTF-8.")
    yield Case("lower-case-escapes", _titled(rb"Caf\u00e9 M\u00fcller"), "Accents as escapes, hexadecimal lower case.")
    yield Case("upper-case-escapes", _titled(rb"Caf\u00E9 M\u00FCller"), "Accents as escapes, hexadecimal upper case.")
    yield Case("decomposed-accents", _titled("Café".encode()), "An accent as a combining character.")
    yield Case("literal-emoji", _titled("🎉👩‍👩‍👧‍👦🇪🇺".encode()), "Emoji as UTF-8: four bytes each, joined by U+200D.")
    yield Case("surrogate-escapes", _titled(rb"\ud83c\udf89"), "An emoji as a pair of surrogate escapes.")
    yield Case("right-to-left", _titled("مهرجان ‏ ערב".encode()), "Text from right to left, with a direction mark.")
    yield Case("line-separators", _titled("a\u2028b\u2029c".encode()), "U+2028 and U+2029 as they are: legal in JSON.")
    yield Case("escaped-slashes", _titled(rb"A\/B \/\/ https:\/\/example.com\/"), "Slashes as PHP escapes them.")
    yield Case("html-in-title", _titled(rb"<b>\u003Cscript\u003E &amp; 'x'</b>"), "Markup, partly as escapes.")
    for name, sent_at, why in (
        ("with-offset-of-zero", "2025-07-25T14:30:00+00:00", "A time in UTC as PHP's toIso8601String writes it."),
        ("in-whole-seconds", "2025-07-25T14:30:00Z", "A time without a fraction."),
        ("in-microseconds", "2025-07-25T14:30:00.000000Z", "A time with six digits after the point."),
    ):
        yield Case(f"time-{name}", compact({**_PLAIN, "event_sent_at": sent_at}), why)
    yield Case("big-integers", _with_extra('"revision":12345678901234567890123,"sequence":9007199254740993'), (
        "Integers beyond 2^53 in fields that nobody reads: parsing and writing again would change them."
    ))  # fmt: skip
    yield Case("one-point-zero", _with_extra('"price":1.0,"fee":10.50,"zero":-0.0'), (
        "1.0 stays 1.0: JavaScript and PHP would write 1."
    ))  # fmt: skip
    yield Case("exponents", _with_extra('"a":1e3,"b":1E+2,"c":2.5e-7'), "Numbers with exponents.")
    yield Case("empty-object-and-list", _with_extra('"metadata":{},"tags":[]'), (
        "{} and []: PHP's arrays would make them the same."
    ))  # fmt: skip
    yield Case("numeric-keys", _with_extra('"by_hour":{"10":1,"9":2}'), "Keys that JavaScript puts in another order.")
    yield Case("nested-deeply", _with_extra('"deep":' + "[" * 50 + "]" * 50), "Fifty lists within each other.")
    yield Case("long-body", _titled(b"x" * 20_000), "More than one read of a socket and one block of a hash.")
    for name, key, why in (
        ("one-byte", "k", "A key of one byte."),
        ("of-one-block", "k" * 64, "A key as long as a block of SHA-256."),
        ("longer-than-a-block", "k" * 65, "A longer key is hashed first."),
        ("of-200-bytes", "0123456789" * 20, "A key of 200 bytes."),
        ("with-spaces", " key with spaces ", "Spaces belong to the key."),
        ("in-utf-8", "Schlüssel-🔑-0123456789", "A key that is not ASCII is used as UTF-8."),
        ("of-hex-digits", "00112233445566778899aabbccddeeff", "Hexadecimal digits are text, and not decoded."),
    ):
        yield Case(f"key-{name}", plain, why, key=key)


def _malformed() -> Iterator[Case]:
    plain = compact(_PLAIN)
    why = "Rightly signed, so not 401; "
    for name, body, what in (
        ("empty-body", b"", "there is no body."),
        ("white-space-only", b" \n", "white space is no JSON."),
        ("nul", b"\0", "a NUL byte is no JSON."),
        ("nul-after", plain + b"\0", "a NUL byte follows the JSON."),
        ("nul-within-text", _titled(b"a\0b"), "a NUL byte stands unescaped in a text."),
        ("every-byte", bytes(range(256)), "all 256 bytes in a row are no JSON."),
        ("cut-off", plain[:-1], "the last brace is missing."),
        ("two-documents", plain + plain, "two JSON texts follow each other."),
        ("comma-last", plain[:-1] + b",}", "a comma stands before the last brace."),
        ("single-quotes", plain.replace(b'"', b"'"), "JSON has double quotes."),
        ("form-encoded", b"event_type=event.status_changed&status=LIVE", "a form is no JSON."),
        ("empty-object", b"{}", "all fields are missing."),
        ("empty-list", b"[]", "a list is no object."),
        ("null", b"null", "null is no object."),
        ("payload-as-text", compact({**_PLAIN, "payload": json.dumps(_PLAIN["payload"])}), "payload is a text."),
    ):
        yield Case(f"malformed-{name}", body, why + what, "malformed")
    yield Case("open-duplicate-keys", _with_extra('"note":"first","note":"second"'), (
        "A key twice in a field that nobody reads: most readers take the last, strict ones refuse; parsing and writing "
        "again would drop one."
    ), "open")  # fmt: skip
    yield Case("open-byte-order-mark", b"\xef\xbb\xbf" + plain, (
        "A byte order mark before the JSON: readers may skip it or refuse it, the signature is right."
    ), "open")  # fmt: skip
    yield Case("open-invalid-utf-8", _titled(b"Caf\xe9"), (
        "A byte of Latin-1 in a text: readers may replace it or refuse it, the signature is right."
    ), "open")  # fmt: skip
    yield Case("open-lone-surrogate", _titled(rb"\ud83c"), (
        "Half of a surrogate pair as an escape: readers differ, the signature is right."
    ), "open")  # fmt: skip


def _refused() -> Iterator[Case]:
    plain = compact(_PLAIN)
    right = _signature(plain)
    digest = right.removeprefix("sha256=")
    raw = bytes.fromhex(digest)
    sha1 = hmac.new(KEY.encode(), plain, hashlib.sha1).hexdigest()
    sha512 = hmac.new(KEY.encode(), plain, hashlib.sha512).hexdigest()
    for name, header, why in (
        ("header-missing", None, "There is no signature."),
        ("header-empty", "", "The signature is empty."),
        ("upper-case-digits", f"sha256={digest.upper()}", "The digits are upper case; the contract says lower case."),
        ("mixed-case-digits", "sha256=" + digest[:32].upper() + digest[32:], "Some of the digits are upper case."),
        ("upper-case-prefix", f"SHA256={digest}", "The prefix is upper case."),
        ("without-prefix", digest, "The prefix sha256= is missing."),
        ("prefix-only", "sha256=", "Nothing follows the prefix."),
        ("prefix-twice", f"sha256={right}", "The prefix stands twice."),
        ("prefix-of-another-scheme", f"v1={digest}", "The prefix is another scheme's."),
        ("colon-for-equals", f"sha256:{digest}", "A colon stands for the equals sign."),
        ("hyphenated-prefix", f"sha-256={digest}", "The prefix has a hyphen."),
        ("sha1", f"sha1={sha1}", "A right HMAC-SHA1: another algorithm."),
        ("sha1-called-sha256", f"sha256={sha1}", "An HMAC-SHA1 that is called SHA-256."),
        ("sha512", f"sha512={sha512}", "A right HMAC-SHA512: another algorithm."),
        ("sha512-cut-to-length", f"sha256={sha512[:64]}", "An HMAC-SHA512 cut to the length of SHA-256."),
        ("truncated-by-one", right[:-1], "The last digit is missing."),
        ("truncated-to-half", right[: 7 + 32], "Half of the digits: a comparison of prefixes would take it."),
        ("first-digit-missing", "sha256=" + digest[1:], "The first digit is missing."),
        ("last-digit-changed", right[:-1] + ("0" if right[-1] != "0" else "1"), "One digit is another one."),
        (
            "first-digit-changed",
            "sha256=" + ("0" if digest[0] != "0" else "1") + digest[1:],
            "The first digit differs.",
        ),
        ("padded-with-zeros", right + "00", "Zeros follow the digits."),
        ("zeros-before", f"sha256=00{digest}", "Zeros come before the digits."),
        ("padded-with-equals", right + "==", "Padding as of base64 follows the digits."),
        ("doubled", right + digest, "The digits stand twice."),
        ("comma-list", f"{right}, {right}", "The signature twice, as two header lines are joined."),
        ("comma-list-wrong-first", f"sha256={'0' * 64}, {right}", "A wrong signature, then the right one."),
        ("space-after-equals", f"sha256= {digest}", "A space follows the equals sign."),
        (
            "spaces-between-digits",
            "sha256=" + " ".join(digest[at : at + 2] for at in range(0, 64, 2)),
            "Spaced digits.",
        ),
        ("quoted", f'"{right}"', "The signature is in quotation marks."),
        ("base64", "sha256=" + base64.b64encode(raw).decode(), "The digest as base64."),
        ("hexadecimal-prefix", f"sha256=0x{digest}", "0x stands before the digits."),
        ("not-ascii", right[:-1] + "é", "A character that is not ASCII, as one byte of ISO 8859-1."),
        ("not-ascii-digit", right[:-1] + "²", "A superscript two, which some languages call a digit."),
        ("no-digits", "sha256=" + "z" * 64, "64 letters that are no hexadecimal digits."),
        ("all-zeros", "sha256=" + "0" * 64, "A signature of zeros."),
        ("very-long", "sha256=" + digest * 50, "3,200 digits."),
        ("true", "true", "What a loose comparison takes for anything."),
        ("zero", "0", "What a loose comparison takes for many texts."),
    ):
        yield Case(f"refused-{name}", plain, why, "refuse", header=header)
    yield from _signed_otherwise(plain, right)


def _signed_otherwise(plain: bytes, right: str) -> Iterator[Case]:
    raw_key = KEY.encode()
    hashed = "sha256=" + hashlib.sha256(plain).hexdigest()
    salted = "sha256=" + hashlib.sha256(raw_key + plain).hexdigest()
    swapped = "sha256=" + hmac.new(plain, raw_key, hashlib.sha256).hexdigest()
    for name, header, why in (
        ("other-key", _signature(plain, "another-key"), "Signed with another key."),
        ("empty-key", _signature(plain, ""), "Signed with an empty key, as of a variable that is not set."),
        (
            "key-with-newline",
            _signature(plain, KEY + "\n"),
            "Signed with the key and the newline of the file it is in.",
        ),
        ("key-quoted", _signature(plain, f'"{KEY}"'), "Signed with the key in quotation marks."),
        ("key-upper-case", _signature(plain, KEY.upper()), "Signed with the key in upper case."),
        ("key-hashed", _signature(plain, hashlib.sha256(raw_key).hexdigest()), "Signed with the key's hash."),
        ("no-key", hashed, "A hash without a key: anybody can make it."),
        ("hash-of-key-and-body", salted, "A hash of key and body: can be extended by anybody."),
        ("key-and-body-swapped", swapped, "The body is the key and the key the message."),
        ("other-body", _signature(plain.replace(b"LIVE", b"ENDED")), "The signature of another update."),
        ("of-empty-body", _signature(b""), "The signature of no body: it was made before the body was read."),
        ("of-body-in-hex", _signature(plain.hex().encode()), "The signature of the body's hexadecimal form."),
    ):
        yield Case(f"refused-{name}", plain, why, "refuse", header=header)
    accented = compact(UPDATE)
    php_like = json.dumps(UPDATE, separators=(",", ":")).replace("/", "\\/").encode()
    for name, body, signed, why in (
        ("status-changed", plain.replace(b"LIVE", b"CANCELLED"), plain, "The status was changed after signing."),
        ("space-appended", plain + b" ", plain, "A space was appended after signing."),
        ("newline-removed", plain, plain + b"\n", "The newline at the end was removed after signing."),
        ("written-compactly", plain, json.dumps(_PLAIN).encode(), "Parsed and written again, without spaces."),
        ("written-prettily", json.dumps(_PLAIN, indent=4).encode(), plain, "Parsed and written again, indented."),
        ("unescaped", accented, php_like, "Parsed and written again, escapes resolved."),
        ("escaped", php_like, accented, "Parsed and written again, with escapes."),
        ("keys-sorted", json.dumps(_PLAIN, separators=(",", ":"), sort_keys=True).encode(), plain, "Keys were sorted."),
        ("one-became-integer", _with_extra('"price":1'), _with_extra('"price":1.0'), "1.0 was written as 1."),
        ("object-became-list", _with_extra('"metadata":[]'), _with_extra('"metadata":{}'), "{} was written as []."),
        ("in-latin-1", _titled("Café".encode()), _titled(b"Caf\xe9"), "The signature of the text as ISO 8859-1."),
        ("mark-removed", plain, b"\xef\xbb\xbf" + plain, "The byte order mark was removed after signing."),
    ):
        yield Case(f"refused-{name}", body, why, "refuse", header=_signature(signed))
    first = "Wrongly signed: that the body is nonsense, too, is not told to strangers."
    yield Case("refused-nonsense", b"not JSON", first, "refuse", header=right)
    yield Case("refused-empty-body", b"", "Neither a body nor a signature.", "refuse", header=None)
    yield Case("refused-every-byte", bytes(range(256)), first, "refuse", header="sha256=" + "f" * 64)


def _signature(body: bytes, key: str = KEY) -> str:
    return "sha256=" + hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


def cases() -> list[Case]:
    """All cases. Raises tools.ToolError."""
    return [*_written(), *_accepted(), *_malformed(), *_refused()]


def build() -> dict[str, Any]:
    """The whole file. Raises tools.ToolError, and SystemExit where the languages do not agree."""
    made = cases()
    signed = [(each.key, each.body) for each in made]
    runs = {language: tools.run(language, signed=signed) for language in LANGUAGES}
    found = []
    for index, case in enumerate(made):
        answers = {language: runs[language][2][index] for language in LANGUAGES}
        if len(set(answers.values())) != 1:
            raise SystemExit(f"{case.id}: the languages do not agree: {answers}")
        found.append(_entry(case, answers))
    return {
        "$schema": "./vectors.schema.json",
        "header": "x-hi-events-signature",
        "key": KEY,
        "tools": {language: runs[language][0] for language in LANGUAGES},
        "vectors": found,
    }


def _entry(case: Case, answers: dict[str, str]) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": case.id,
        "outcome": case.outcome,
        "statuses": list(STATUSES[case.outcome]),
        "why": case.why,
        "key": case.key,
        "body": _body(case.body),
        "header": answers["php"] if case.header is ... else case.header,
        "answers": answers,
    }
    if case.written_by is not None:
        entry["written_by"] = dict(zip(("language", "expression"), case.written_by, strict=True))
    return entry


def _body(body: bytes) -> dict[str, str]:
    """As text where it is text that an editor keeps as it is, else as base64."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    plain = not text.startswith("\ufeff") and all(each >= " " or each in "\t\r\n" for each in text)
    return {"text": text} if plain else {"base64": base64.b64encode(body).decode()}


def main() -> None:
    """Write vectors.json."""
    try:
        text = json.dumps(build(), indent=2)
    except tools.ToolError as error:
        raise SystemExit(f"vectors: {error}") from None
    FILE.write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
