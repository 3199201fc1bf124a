"""Which scripts and styles a page loads: what its HTML, and the files themselves, name."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin, urlsplit

# Every repetition is bounded: a bundle is one line of a megabyte.
_IMPORTS = re.compile(r"""\b(?:import|from)\s{0,9}\(?\s{0,9}(["'])([^"'\s]{1,300})\1""")
_STYLE_IMPORTS = re.compile(r"""@import\s{1,9}(?:url\()?["']?([^"')\s]{1,300})""")
_SOURCE_MAP = re.compile(r"[#@]\s?sourceMappingURL=([^\s*'\"]{1,300})")
_LOADED = {"stylesheet", "modulepreload", "preload"}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.named: list[str] = []
        self.scripts: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._inside = tag == "script"
        if tag == "script" and given.get("src"):
            self.named.append(given["src"])
        if tag == "link" and _LOADED & set(given.get("rel", "").lower().split()):
            self.named.append(given.get("href", ""))

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.scripts.append(data)


def files_named(text: str, url: str, kind: str) -> list[str]:
    """Absolute URLs, of the same origin as `url`, of the scripts, styles and source maps that a text names; `kind` is
    its media type."""
    found: list[str] = []
    if "html" in kind:
        reader = _Reader()
        reader.feed(text)
        reader.close()
        found = [*reader.named, *(name for script in reader.scripts for name in _imported(script))]
    elif "css" in kind:
        found = [*(match[1] for match in _STYLE_IMPORTS.finditer(text)), *_maps(text)]
    elif "javascript" in kind or "ecmascript" in kind:
        found = [*_imported(text), *_maps(text)]
    return [each for each in dict.fromkeys(_resolved(name, url) for name in found) if each]


def _imported(script: str) -> Iterator[str]:
    for match in _IMPORTS.finditer(script):
        # A bare name is a package's, which the bundler has replaced.
        if match[2].startswith(("/", "./", "../", "http://", "https://")):
            yield match[2]


def _maps(text: str) -> Iterator[str]:
    for match in _SOURCE_MAP.finditer(text):
        if not match[1].startswith("data:"):
            yield match[1]


def _resolved(name: str, url: str) -> str:
    try:
        target = urldefrag(urljoin(url, name)).url
        there, here = urlsplit(target), urlsplit(url)
    except ValueError:
        return ""
    return target if (there.scheme, there.netloc) == (here.scheme, here.netloc) else ""
