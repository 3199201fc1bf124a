"""What a page loads is found in its HTML, in its scripts and in its styles."""

import time

import pytest

from scenarios.cast.page_files import files_named

PAGE = "https://tuvens.example/event/11"
HTML = """
<link rel="modulepreload" href="/_app/immutable/entry/start.js"><link rel="icon" href="/icon.png">
<LINK REL='stylesheet preload' HREF='../style.css?v=1#x'>
<script src="https://cdn.example/elsewhere.js"></script><script type="module" src="/_app/page.js"></script>
<script>const kit = {}; Promise.all([import("/_app/start.js"), import('./app.js')]).then(go)</script>
<a href="/other">x</a>
"""


def test_html_names_scripts_styles_and_what_its_own_script_imports() -> None:
    assert files_named(HTML, PAGE, "text/html; charset=utf-8") == [
        "https://tuvens.example/_app/immutable/entry/start.js",
        "https://tuvens.example/style.css?v=1",
        "https://tuvens.example/_app/page.js",
        "https://tuvens.example/_app/start.js",
        "https://tuvens.example/event/app.js",
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('import { a } from "./chunks/a.js";', ["chunks/a.js"]),
        ('import"./b.js";export*from"../c.js"', ["b.js", "../c.js"]),
        ('const m = () => import("./lazy.js")', ["lazy.js"]),
        ('import { svelte } from "svelte"', []),
        ("x();\n//# sourceMappingURL=page.js.map", ["page.js.map"]),
        ("//# sourceMappingURL=data:application/json;base64,e30=", []),
        ('import "https://other.example/x.js"', []),
        ('import "https://[nonsense/x.js"', []),
    ],
)
def test_scripts_name_what_they_import(text: str, found: list[str]) -> None:
    base = "https://tuvens.example/_app/"
    wanted = [base + each if not each.startswith("../") else f"https://tuvens.example/{each[3:]}" for each in found]
    assert files_named(text, base + "page.js", "text/javascript") == wanted


def test_styles_name_what_they_import_and_other_files_nothing() -> None:
    text = "@import url(\"a.css\"); @import 'b.css'; body { background: url(c.png) }"
    assert files_named(text, "https://x.example/s/", "text/css") == [
        "https://x.example/s/a.css",
        "https://x.example/s/b.css",
    ]
    assert files_named(text, "https://x.example/s/", "image/png") == []


def test_a_megabyte_of_nearly_an_import_is_read_in_no_time() -> None:
    begun = time.process_time()
    for text in ("import (" * 30_000, 'from "' * 40_000, "<script" * 40_000, "<link a=" * 30_000):
        files_named(text, PAGE, "text/html")
        files_named(text, PAGE, "text/javascript")
    assert time.process_time() - begun < 8
