"""Which browser is started, and that what it leaves as evidence holds no secret."""

import asyncio
import os
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from crossapp.evidence import FOLDER, keep_evidence, make_evidence_folder
from crossapp.run import Settings, context_of
from harness import chromium
from harness.capabilities import remedy_for
from harness.chromium import Chromium
from harness.deployment_file import build_deployment
from harness.redact import Redactor
from harness.relay import Relay
from tests.harness.hostile import answering, serving
from tests.harness.render.sample import VIOLATED, finding, report_of
from tests.harness.test_deployment import APPS, EDITIONS, GOOD

SECRET = "s3cret-that-nobody-may-see-anywhere"


def _program(folder: Path, name: str) -> Path:
    file = folder / name
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    return file


def test_the_browser_that_the_environment_names_goes_before_those_in_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(chromium.VARIABLE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert chromium.executable() is None
    assert not chromium.is_available()
    other = _program(tmp_path, "google-chrome")
    assert chromium.executable() == str(other)
    usual = _program(tmp_path, "chromium")
    assert chromium.executable() == str(usual)
    named = _program(tmp_path, "mine")
    monkeypatch.setenv(chromium.VARIABLE, str(named))
    assert chromium.executable() == str(named)
    monkeypatch.setenv(chromium.VARIABLE, str(tmp_path / "missing"))
    assert chromium.executable() is None


def test_the_capability_is_there_where_a_browser_is(monkeypatch: pytest.MonkeyPatch) -> None:
    deployment = build_deployment(GOOD, apps=APPS, editions=EDITIONS)
    for there in (True, False):
        monkeypatch.setattr(chromium, "is_available", lambda there=there: there)
        assert ("browser" in context_of(deployment, Settings()).capabilities) == there


def test_what_is_lacking_is_one_command() -> None:
    assert "apt-get install chromium && pip install 'playwright>=" in remedy_for("browser")


def test_a_trace_is_cleaned_file_by_file_and_has_no_pictures(tmp_path: Path) -> None:
    pytest.importorskip("playwright")
    from harness.browsing import redact_archive

    redactor = Redactor()
    redactor.register("shared-secret", SECRET)
    jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlc2lnbmF0dXJl"
    raw, clean = tmp_path / "raw.zip", tmp_path / "clean.zip"
    with zipfile.ZipFile(raw, "w") as made:
        made.writestr("trace.network", f'{{"cookie": "{jwt}", "header": "{SECRET}", "path": "/event/11"}}')
        made.writestr("resources/abc.bin", b"\xff\x00" + SECRET.encode() + b"\x80")
        made.writestr("resources/page.jpeg", b"picture")
    redact_archive(raw, clean, redactor)
    with zipfile.ZipFile(clean) as found:
        assert found.namelist() == ["trace.network", "resources/abc.bin"]
        network, body = (found.read(name) for name in found.namelist())
    assert b"/event/11" in network
    assert body.startswith(b"\xff\x00<shared-secret:")
    assert body.endswith(b">\x80")
    assert SECRET.encode() not in network + body
    assert jwt.encode() not in network


def test_only_what_a_finding_names_is_kept_and_nothing_of_an_earlier_run(tmp_path: Path) -> None:
    folder = make_evidence_folder(tmp_path)
    for name in ("old.png", "notes.md"):
        (folder / name).write_text("x")
    assert make_evidence_folder(tmp_path) == folder
    assert [each.name for each in folder.iterdir()] == ["notes.md"]
    (folder / "notes.md").unlink()
    for name in ("shown.png", "other.png", "shown.zip"):
        (folder / name).write_text("x")
    shown = finding("a.b", "A keeps b.", VIOLATED, "")
    keep_evidence(tmp_path, report_of([replace(shown, files=(f"{FOLDER}/shown.png", f"{FOLDER}/shown.zip"))]))
    assert sorted(each.name for each in folder.iterdir()) == ["shown.png", "shown.zip"]
    keep_evidence(tmp_path, report_of([]))
    assert not folder.exists()


@pytest.mark.skipif(not (chromium.is_available() or os.environ.get("CI")), reason=remedy_for("browser"))
def test_the_browser_goes_through_its_relay_and_through_no_proxy_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    page = answering(b"<!doctype html><title>arrived</title>", kind="text/html")

    async def run() -> list[str]:
        browser, relay = Chromium(Redactor(), seconds=30.0), Relay()
        try:
            async with serving(page) as url:
                direct = await (await browser.context()).new_page()
                await direct.goto(url)
                led = await (await browser.context(await relay.start())).new_page()
                await led.goto(url)
                titles = [await direct.title(), await led.title()]
                relay.cut()
                with pytest.raises(Exception, match="net::ERR_"):
                    await led.goto(url)
                return titles
        finally:
            await browser.close()
            await relay.close()

    assert asyncio.run(run()) == ["arrived", "arrived"]


@pytest.mark.skipif(not (chromium.is_available() or os.environ.get("CI")), reason=remedy_for("browser"))
def test_a_page_rests_when_what_it_requests_is_finished_and_its_stream_stays_open() -> None:
    page = b"""<!doctype html><script>
    new EventSource("/stream").onopen = () => fetch("/slow");
    </script>"""
    finish, asked = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"/stream" in head:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n:\n\n")
            await reader.read()
        elif b"/slow" in head:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{")
            asked.set()
            await finish.wait()
            writer.write(b"}")
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(page) + page)
        await writer.drain()
        writer.close()

    async def run() -> tuple[bool, bool]:
        browser = Chromium(Redactor(), seconds=30.0)
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        try:
            async with browser.browsing("visitor", lambda url, body: ()) as browsing:
                tab = await browsing.tab({})
                await tab.opens(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
                await asyncio.wait_for(asked.wait(), 60.0)
                busy = await browsing.rests(0.5, quiet=0.1)
                finish.set()
                return busy, await browsing.rests(30.0)
        finally:
            finish.set()
            await browser.close()
            server.close()

    assert asyncio.run(run()) == (False, True)
