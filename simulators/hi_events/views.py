"""The style and the content security policy of the pages of hi.events."""

import base64
import hashlib
from importlib.resources import files

STYLE = files(__package__).joinpath("assets", "pages.css").read_text("utf-8")
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()


def policy(frames: str, *, scripts: bool = False) -> str:
    """A content security policy under which these pages, and nothing else, work.

    frames: the origins that may embed them. scripts: whether their own scripts run and call the API.
    """
    own = "script-src 'self'; connect-src 'self'; require-trusted-types-for 'script'; " if scripts else ""
    return (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; {own}img-src data:; base-uri 'none'; "
        f"form-action 'none'; frame-ancestors {frames}"
    )
