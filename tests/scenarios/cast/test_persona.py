"""What the browser of a person learns as secrets, and how often a page is opened that does not show what is wanted."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from scenarios.cast.persona import GENERATE, Persona, tokens_in
from scenarios.stories.pages_come_back import _arrives

_TOKEN = "0f3c9a7be1d24c550f3c9a7be1d24c55"


@pytest.mark.parametrize(
    ("url", "body", "found"),
    [
        (f"http://b/auth/cross-app?session_token={_TOKEN}&x=1", b"", [_TOKEN]),
        (f"http://a{GENERATE}", f'{{"session_token": "{_TOKEN}"}}'.encode(), [_TOKEN]),
        (f"http://a{GENERATE}", b'{"session_token": null}', []),
        (f"http://a{GENERATE}", b"<html>", []),
        (f"http://a/other?token={_TOKEN}", f'{{"session_token": "{_TOKEN}"}}'.encode(), []),
        ("http://b/auth/cross-app?session_token=undefined", b"", []),
        ("http://b/auth/cross-app?session_token=%5Bobject+Object%5D", b"", []),
        ("http://b/auth/cross-app?session_token=http%3A%2F%2Flocalhost%3A5173%2Fevent%2F11", b"", []),
    ],
)
def test_only_a_token_is_learned(url: str, body: bytes, found: list[str]) -> None:
    assert [value for _, value in tokens_in(url, body)] == found


class Pages:
    """A tab; its page shows what is wanted from the `good`th opening on."""

    def __init__(self, good: int) -> None:
        self.opened = 0
        self.good = good

    async def opens(self, url: str) -> None:
        self.opened += 1

    async def looks(self) -> bool:
        return self.opened >= self.good


@pytest.mark.parametrize(("losses", "good", "times"), [(0, 2, 1), (3, 1, 1), (3, 2, 2), (3, 3, 3), (3, 9, 3)])
def test_a_page_is_opened_again_only_where_requests_of_the_run_were_lost(losses: int, good: int, times: int) -> None:
    recorder = SimpleNamespace(history=SimpleNamespace(losses=lambda: losses))
    stage = SimpleNamespace(recorder=recorder, target=lambda app: SimpleNamespace(url="http://c"))
    persona = Persona(cast("Any", SimpleNamespace(stage=stage)), cast("Any", None), "visitor")
    pages = Pages(good)
    asyncio.run(persona.opens(cast("Any", pages), "http://c/event/11", pages.looks))
    assert pages.opened == times
    # Lost requests do not explain what a page shows each time that it is opened.
    assert persona.losses() == (0 if good > 3 else losses)


@pytest.mark.parametrize(("seen_at", "times", "left"), [(2, 2, 3), (9, 3, 0)])
def test_an_arrival_is_tried_with_new_sessions_and_three_in_vain_are_no_loss(
    seen_at: int, times: int, left: int
) -> None:
    async def nothing() -> None: ...

    async def sees(name: str) -> bool:
        return pages.opened >= seen_at

    async def fresh_session(step: str) -> SimpleNamespace:
        tokens.append(f"token-{len(tokens)}")
        return SimpleNamespace(token=tokens[-1], minted_at=0.0, lasts=900.0)

    tokens: list[str] = []
    pages = Pages(seen_at)
    stage = SimpleNamespace(
        recorder=SimpleNamespace(history=SimpleNamespace(losses=lambda: 3)),
        target=lambda app: SimpleNamespace(url="http://h"),
    )
    story = SimpleNamespace(stage=stage, turn_to_open_page=nothing, fresh_session=fresh_session, now=lambda: 1.0)
    persona = Persona(cast("Any", story), cast("Any", None), "organiser")
    tab = SimpleNamespace(opens=pages.opens, sees=sees)
    asyncio.run(_arrives(cast("Any", story), persona, cast("Any", tab), {}))
    assert (pages.opened, len(set(tokens))) == (times, times)
    assert persona.losses() == left
