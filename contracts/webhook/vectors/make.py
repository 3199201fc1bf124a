"""Makes the vectors anew. Needs php, node and openssl: `python -m contracts.webhook.vectors.make`.

Each language writes the body with its own JSON library and signs it with its own HMAC; openssl is asked for each
signature once more, so that no vector rests on one tool alone.
"""

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from contracts.webhook.vectors import EVENT, NUMBER, SENT_AT, STATUS

TITLE = 'Café / Müller 🎉 “live” <b>"quoted"</b> \\ it\'s\u2028line\ttab'
KEY = "vector-key-0123456789abcdef-Schlüssel"
UPDATE: dict[str, Any] = {
    "event_type": "event.status_changed",
    "event_sent_at": SENT_AT,
    "payload": {"id": NUMBER, "title": TITLE, "status": STATUS, "tuvens_event_id": EVENT},
}

PHP = {
    "json_encode": "json_encode($update)",
    "unescaped slashes": "json_encode($update, JSON_UNESCAPED_SLASHES)",
    "unescaped slashes and unicode": "json_encode($update, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE)",
    "pretty print": "json_encode($update, JSON_PRETTY_PRINT)",
    "hexadecimal tags, quotes and ampersands": "json_encode($update, JSON_HEX_TAG | JSON_HEX_APOS | JSON_HEX_QUOT)",
}
NODE = {
    "JSON.stringify": "JSON.stringify(update)",
    "indented by two": "JSON.stringify(update, null, 2)",
    "payload first": "JSON.stringify({payload: update.payload, ...update})",
}
PYTHON = {
    "json.dumps": "json.dumps(update)",
    "not only ASCII": "json.dumps(update, ensure_ascii=False)",
    "compact, sorted keys": "json.dumps(update, separators=(',', ':'), sort_keys=True)",
    "sorted keys, indented": "json.dumps(update, sort_keys=True, indent=4)",
    "newline at the end": "json.dumps(update) + '\\n'",
}
OPENSSL = {
    "empty body": (KEY, b""),
    "every byte": (KEY, bytes(range(256))),
    "key longer than a block": ("k" * 100, b'{"a": 1}'),
    "key of one byte": ("k", b'{"a": 1}'),
    "same text, other bytes": (KEY, b'{"a":1}'),
}


def _run(*command: str, given: bytes = b"") -> str:
    return subprocess.run(command, input=given, capture_output=True, check=True).stdout.decode().strip()


def openssl_signature(key: str, body: bytes) -> str:
    """`sha256=` and what `openssl dgst` says of these bytes."""
    mac = ("-mac", "HMAC", "-macopt", f"hexkey:{key.encode().hex()}")
    return "sha256=" + _run("openssl", "dgst", "-sha256", *mac, given=body).rpartition(" ")[2]


def _php(expression: str) -> str:
    code = (
        "$given = json_decode(stream_get_contents(STDIN), true); $update = $given['update'];"
        f"$body = {expression}; $hex = hash_hmac('sha256', $body, $given['key']);"
        "echo base64_encode($body), ' sha256=', $hex;"
    )
    return _run("php", "-r", code, given=_given())


def _node(expression: str) -> str:
    code = (
        "const {update, key} = JSON.parse(require('fs').readFileSync(0, 'utf8'));"
        f"const body = {expression};"
        "const hex = require('crypto').createHmac('sha256', key).update(body, 'utf8').digest('hex');"
        "console.log(Buffer.from(body, 'utf8').toString('base64') + ' sha256=' + hex);"
    )
    return _run("node", "-e", code, given=_given())


def _python(expression: str) -> str:
    code = (
        "import base64, hashlib, hmac, json, sys; given = json.load(sys.stdin); update = given['update']\n"
        f"body = ({expression}).encode()\n"
        "digest = hmac.new(given['key'].encode(), body, hashlib.sha256).hexdigest()\n"
        "print(base64.b64encode(body).decode(), 'sha256=' + digest)"
    )
    return _run(sys.executable, "-c", code, given=_given())


def _given() -> bytes:
    return json.dumps({"update": UPDATE, "key": KEY}).encode()


def _write(language: str, tool: str, found: list[dict[str, str]]) -> None:
    for each in found:
        again = openssl_signature(each["key"], base64.b64decode(each["body_base64"]))
        if each["signature"] != again:
            raise SystemExit(f"{language}, {each['name']}: {each['signature']}, but openssl says {again}")
    text = json.dumps({"tool": tool, "vectors": found}, indent=2, ensure_ascii=False)
    Path(__file__).with_name(f"{language}.json").write_text(text + "\n", "utf-8")


def main() -> None:
    """Write the four files."""
    tools = {
        "php": (_php, PHP, "PHP " + _run("php", "-r", "echo PHP_VERSION;")),
        "node": (_node, NODE, "Node.js " + _run("node", "-p", "process.versions.node")),
        "python": (_python, PYTHON, "Python " + sys.version.partition(" ")[0]),
    }
    for language, (make, expressions, tool) in tools.items():
        found = []
        for name, expression in expressions.items():
            body, signature = make(expression).split(" ")
            entry = {"name": name, "made_by": expression, "key": KEY, "body_base64": body, "signature": signature}
            found.append(entry)
        _write(language, tool, found)
    signed = [
        {
            "name": name,
            "made_by": "openssl dgst -sha256 -mac HMAC -macopt hexkey:...",
            "key": key,
            "body_base64": base64.b64encode(body).decode(),
            "signature": openssl_signature(key, body),
        }
        for name, (key, body) in OPENSSL.items()
    ]
    _write("openssl", " ".join(_run("openssl", "version").split(" ")[:2]), signed)


if __name__ == "__main__":
    main()
