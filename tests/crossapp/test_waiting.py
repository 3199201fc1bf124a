"""`--wait`: applications that are just being started are waited for, and no longer than was said."""

import asyncio
import socket
import threading
from dataclasses import replace

from crossapp.waiting import wait_for
from harness.deployment import Deployment, Safety, Target
from tests.harness.hostile import answering, serving


def deployed_at(*urls: str) -> Deployment:
    targets = {
        app: Target(app, url, url, "staging") for app, url in zip(("tuvens-api", "hi.events"), urls, strict=False)
    }
    return Deployment("d", "2025-07", targets, (), "", safety=replace(Safety(False, False), seconds=2.0))


def test_what_responds_is_not_waited_for() -> None:
    told: list[str] = []

    async def run() -> None:
        async with serving(answering(b"", "404 Not Found")) as url:
            await wait_for(deployed_at(url), 60, told.append)

    asyncio.run(run())
    assert told == []


def test_a_gateway_and_a_closed_port_are_waited_for_until_the_application_responds() -> None:
    answers = [b"502 Bad Gateway", b"503 Service Unavailable", b"401 Unauthorized"]
    told: list[str] = []

    async def starting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        status = answers.pop(0) if len(answers) > 1 else answers[0]
        await answering(b"", status.decode())(reader, writer)

    async def run() -> None:
        async with serving(starting) as url:
            await wait_for(deployed_at(url), 60, told.append)

    asyncio.run(run())
    assert len(answers) == 1
    (text,) = told
    assert "until tuvens-api responds at http://127.0.0.1" in text


def test_what_never_responds_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    done = threading.Event()
    asyncio.run(wait_for(deployed_at(f"http://127.0.0.1:{port}"), 0.2, lambda _: done.set()))
    assert done.is_set()
