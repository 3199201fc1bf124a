"""Pact's verifier, for a process of its own: the library blocks, prints, and crashes on answers it cannot read.

`python -m scenarios.tools.pact.verifier` reads one job a line from standard input and writes one result a line to
standard output, both as JSON. Job: `file`, `provider`, `description`, `url`, `states`, `messages` (the last three are
addresses). Result: `count` of verified interactions, `ok`, and `mismatches` as sentences.
"""

import json
import os
import re
import sys
from typing import Any

_SECONDS = 3600
_LONGEST = 400
_MOST = 10


def main() -> None:
    """Serve until standard input ends."""
    os.environ["PACT_DO_NOT_TRACK"] = "true"
    # The library prints its report to standard output, which is for the results.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        for line in sys.stdin:
            answers.write(json.dumps(verify(json.loads(line))) + "\n")
            answers.flush()


def verify(job: dict[str, str]) -> dict[str, Any]:
    """Verify the interaction that a job describes."""
    from pact import Verifier

    address = re.match(r"http://127\.0\.0\.1:(\d+)", job["messages"])
    assert address is not None, job["messages"]
    path = job["messages"][address.end() :]
    verifier = (
        Verifier(job["provider"], host="127.0.0.1")
        .add_transport(url=job["url"])
        .add_transport(protocol="message", port=int(address[1]), path=path)
        .state_handler(job["states"], body=True, teardown=True)
        .follow_redirects(False)
        .set_request_timeout(_SECONDS * 1000)
        .add_source(job["file"])
        .filter(f"^{re.escape(job['description'])}$")
        .set_coloured_output(enabled=False)
    )
    try:
        verifier.verify()
    except RuntimeError:
        ok = False
    else:
        ok = True
    results = verifier.results
    found = results["interactionResults"]
    # The library's order varies.
    mismatches = sorted(text for each in found for text in _mismatches(each.get("mismatch")))
    if not ok and not mismatches:
        mismatches = [_cut(json.dumps(results.get("errors")))]
    return {
        "count": len(found),
        "ok": ok and all(each["result"] == "OK" for each in found),
        "mismatches": mismatches[:_MOST],
    }


def _mismatches(value: Any) -> list[str]:
    """The mismatches of one interaction, each as a sentence that names its place."""
    if value is None:
        return []
    if not isinstance(value, dict) or value.get("type") != "mismatches":
        return [_cut(value if isinstance(value, str) else json.dumps(value))]
    found = []
    for each in value["mismatches"]:
        place = each.get("path") or each.get("key") or each["type"].removesuffix("Mismatch").lower()
        found.append(_cut(f"{place}: {each.get('mismatch')}"))
    return found


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


if __name__ == "__main__":
    main()
