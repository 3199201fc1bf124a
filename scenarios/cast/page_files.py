"""The scripts and styles that a page loads, as its HTML and these files name them."""

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import urldefrag, urljoin, urlsplit

# Every repetition is bounded: a bundle is one line of a megabyte.
_IMPORTS = re.compile(r"""\b(?:import|from)\s{0,9}\(?\s{0,9}(["'])([^"'\s]{1,300})\1""")
_STYLE_IMPORTS = re.compile(r"""@import\s{1,9}(?:url\()?["']?([^"')\s]{1,300})""")
_SOURCE_MAP = re.compile(r"[#@]\s?sourceMappingURL=([^\s*'\"]{1,300})")
_ATTRIBUTE = re.compile(r"""([a-zA-Z-]{1,40})\s{0,9}=\s{0,9}(?:"([^"]*)"|'([^']*)'|([^\s"']+))""")
_LONGEST_TAG = 2000
_LOADED = {"stylesheet", "modulepreload", "preload"}


def files_named(text: str, url: str, kind: str) -> list[str]:
    """The absolute URLs of the scripts, styles and source maps that a text names, if they are of the same origin as
    `url`; `kind` is the text's media type."""
    found: list[str] = []
    if "html" in kind:
        found = [*_in_tags(text), *_imported(text)]
    elif "css" in kind:
        found = [*(match[1] for match in _STYLE_IMPORTS.finditer(text)), *_maps(text)]
    elif "javascript" in kind or "ecmascript" in kind:
        found = [*_imported(text), *_maps(text)]
    return [each for each in dict.fromkeys(_resolved(name, url) for name in found) if each]


def _in_tags(page: str) -> Iterator[str]:
    """The URLs of <script src> and <link href>. Not by a parser: those take very long over hostile pages."""
    for piece in page.split("<"):
        tag = piece.partition(">")[0][:_LONGEST_TAG]
        name = tag[:7].lower()
        if not name.startswith(("script", "link")):
            continue
        given = {each[1].lower(): unescape(each[2] or each[3] or each[4] or "") for each in _ATTRIBUTE.finditer(tag)}
        if name.startswith("script") and given.get("src"):
            yield given["src"]
        if name.startswith("link") and _LOADED & set(given.get("rel", "").lower().split()) and given.get("href"):
            yield given["href"]


def _imported(script: str) -> Iterator[str]:
    for match in _IMPORTS.finditer(script):
        # A bare name is a package, which the bundler has replaced.
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
