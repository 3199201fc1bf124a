"""Origins of URLs."""

from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


def origin_of(url: str) -> str | None:
    """The origin of an absolute http(s) URL as a browser sees it; None where two readers might differ about it.

    Spaces, control characters, backslashes and user information are what tricks with URLs are made of: a URL that
    has any has no origin.
    """
    if any(each <= " " or each in "\\\x7f" for each in url):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or "@" in parts.netloc:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    named = f"{host}:{port}" if port is not None else host
    if parts.netloc.lower() != named or not parts.netloc.isascii():
        return None
    shown = "" if port is None or port == _DEFAULT_PORTS[parts.scheme] else f":{port}"
    return f"{parts.scheme}://{host}{shown}"


def is_base_url(url: str) -> bool:
    """Whether paths can be appended to a URL: an absolute http(s) URL without query and fragment."""
    return origin_of(url) is not None and not set(url) & {"?", "#"}
