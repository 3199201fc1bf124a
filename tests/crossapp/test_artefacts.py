"""Servers that write every secret and token into their answers, in every spelling: no file of a run holds one."""

import html
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness import chromium
from harness.http import object_or_empty
from simulators.launch import LaunchOptions
from tests.harness.spelled import SPELLINGS, texts_in
from tests.launching import launched

_SECRET = 'shared+secret/with"signs\\&=of-every<kind>'
_NAMES = ("session_token", "token")
_CUT = 12


class Talkative:
    """Knows the secrets of simulators and the tokens that they hand out, and adds them to their answers, each time one
    in one spelling."""

    def __init__(self) -> None:
        self.secrets: list[str] = []
        self.told = 0

    def of(self, _app: str, served: Any) -> Any:
        async def talking(scope: Any, receive: Any, send: Any) -> None:
            begun: list[Any] = []
            body = bytearray()

            async def sent(message: Any) -> None:
                if message["type"] == "http.response.start":
                    types = [value for name, value in message["headers"] if name.lower() == b"content-type"]
                    if not types or types[0].split(b";")[0] not in (b"application/json", b"text/html"):
                        await send(message)
                    else:
                        begun.append(message)
                elif not begun:
                    await send(message)
                else:
                    body.extend(message.get("body", b""))
                    if not message.get("more_body"):
                        await send(self._with_secret(begun[0], body))
                        await send({"type": "http.response.body", "body": bytes(body)})

            await served(scope, receive, sent if scope["type"] == "http" else send)

        return talking

    def _with_secret(self, start: Any, body: bytearray) -> Any:
        answer = object_or_empty(bytes(body))
        self.secrets += [answer[name] for name in _NAMES if isinstance(answer.get(name), str)]
        spelled = self._next()
        if answer and body.rstrip().endswith(b"}"):
            body[:] = body.rstrip()[:-1] + b', "debug": ' + json.dumps(spelled).encode() + b"}"
        elif not answer and body.lstrip().startswith(b"<"):
            body += f"<!-- {spelled} -->".encode()
        headers = [each for each in start["headers"] if each[0].lower() != b"content-length"]
        told = (b"x-debug", self._next().encode())
        return {**start, "headers": [*headers, told, (b"content-length", str(len(body)).encode())]}

    def _next(self) -> str:
        """One of the secrets, the newest first, in one of the spellings."""
        self.told += 1
        spell = list(SPELLINGS.values())[self.told % len(SPELLINGS)]
        return spell(self.secrets[-1 - self.told // len(SPELLINGS) % len(self.secrets)])


class Needles:
    """Texts that are searched for at once."""

    def __init__(self, needles: Iterable[str]) -> None:
        self._by_start: dict[str, list[str]] = {}
        for each in needles:
            self._by_start.setdefault(each[:_CUT], []).append(each)

    def found_in(self, text: str) -> list[str]:
        """Those that stand in a text, each with what is before it."""
        known = self._by_start
        places = (place for place in range(len(text)) if text[place : place + _CUT] in known)
        return [
            text[max(place - 80, 0) : place + len(each)]
            for place in places
            for each in known[text[place : place + _CUT]]
            if text.startswith(each, place)
        ]


def decoded(held: bytes) -> Iterator[str]:
    """What a file holds as text, and as what its JSON or HTML says."""
    text = held.decode("utf-8", "replace")
    yield text
    if text.startswith("{"):
        yield "\n".join(each for line in text.splitlines() for each in texts_in(json.loads(line)))
    elif text.startswith("<!"):
        yield html.unescape(text)


def texts_of(folder: Path) -> Iterator[tuple[str, bytes]]:
    """What the files in a folder hold, those in archives too."""
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.name, path.read_bytes()
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                for each in archive.namelist():
                    yield f"{path.name}/{each}", archive.read(each)


@pytest.mark.slow  # a whole verification
def test_no_file_of_a_whole_run_holds_a_secret_however_a_server_spells_it(tmp_path: Path) -> None:
    talkative = Talkative()
    options = LaunchOptions(
        faults=("session-token-stays-in-address", "widget-not-responsive"),  # screenshots and traces are kept
        control=False,
        limits="raised",
        environment={"HI_EVENTS_SHARED_SECRET": _SECRET, "JWT_SECRET": "j" + _SECRET},
    )
    with launched(options, wrapped=talkative.of) as built:
        value = built.description()
        for each in value["targets"].values():
            each["kind"] = "staging"
        talkative.secrets += [*value["credentials"].values(), *(each["jwt"] for each in value["users"])]
        assert _SECRET in talkative.secrets
        file = tmp_path / "staging.json"
        file.write_text(json.dumps(value), "utf-8")
        folder = tmp_path / "run"
        folder.mkdir()

        def crossapp(name: str, *arguments: str) -> None:
            command = [sys.executable, "-c", "from crossapp.cli import main; main()", *arguments]
            with (folder / name).open("wb") as output:
                subprocess.run(command, stdout=output, stderr=output, cwd=folder, timeout=600, check=False)

        crossapp("verify.txt", "verify", "--verbose", "--quick", "--deployment", str(file), "--report", "r")
        crossapp("doctor.json", "doctor", "--json", str(file))
        crossapp("judge.json", "judge", "r/history.jsonl", "--json")
        crossapp("keep.txt", "keep", "r", "--environment", "staging", "--commit", "abc1234")
    needles = Needles({spell(each) for each in set(talkative.secrets) for spell in SPELLINGS.values()})
    assert needles.found_in(f"so: {SPELLINGS['basic authentication'](_SECRET)}"), "the search finds what there is"
    assert talkative.told > 2_000
    names = set()
    for name, held in texts_of(folder):
        names.add(Path(name).suffix)
        for text in decoded(held):
            assert (name, needles.found_in(text)) == (name, [])
    assert names >= {".html", ".jsonl", ".json", ".md", ".xml", ".sqlite", ".txt"}
    assert names >= {".png", ".zip", ".trace"} or not chromium.is_available()
    report = [json.loads(line) for line in (folder / "r" / "report.jsonl").read_text("utf-8").splitlines()]
    verdicts = {each["requirement"]: each["verdict"] for each in report if each["type"] == "finding"}
    assert verdicts["secrecy.no_answer_holds_a_secret"] == "violated", "the answers did hold them"
