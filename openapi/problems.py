"""Problems of a message, one short line each; JSON as RFC 8259 defines it."""

import json
import math
import re
from collections.abc import Iterable
from typing import NamedTuple, NoReturn

LONGEST_VALUE = 120
"""The most characters of a received value that a message repeats: bodies may be hostile."""


class Problem(NamedTuple):
    """One problem of a message.

    `pointer` is a JSON pointer into the message as its reader sees it: /status, /headers/content-type,
    /path/id, /query/session_token, /body, /body/payload/id. Header names are in lower case.
    """

    pointer: str
    message: str

    def __str__(self) -> str:
        return f"{self.pointer}: {self.message}"


class NotJsonError(ValueError):
    """The text is not JSON. The message says why and never repeats the text."""


def cut(text: str, longest: int = LONGEST_VALUE) -> str:
    """The text, shortened to at most `longest` characters with an ellipsis."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def pointer_to(at: str, keys: Iterable[str | int]) -> str:
    """The JSON pointer (RFC 6901) that leads from `at` through the keys; long keys are cut."""
    return at + "".join("/" + cut(escape(str(key))) for key in keys)


def escape(key: str) -> str:
    """One key as a part of a JSON pointer (RFC 6901, section 3)."""
    return key.replace("~", "~0").replace("/", "~1")


def _refuse_constant(name: str) -> NoReturn:
    raise NotJsonError(f"is not JSON: {name} is no JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise NotJsonError("holds a number that is too large")
    return number


_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")

_decoder = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)


def json_value(body: bytes) -> object:
    """Reads a JSON text in UTF-8. Of equal keys in one object the last one counts.

    Raises NotJsonError for all else: other encodings, NaN and Infinity, numbers beyond a float or of thousands
    of digits, half of a surrogate pair (no database takes it), nesting beyond what the interpreter can follow.
    """
    try:
        text = body.decode()
        value: object = _decoder.decode(text)
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise NotJsonError("holds text that is not Unicode (half of a surrogate pair)") from None
    except UnicodeDecodeError:
        raise NotJsonError("is not JSON: it is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise NotJsonError(f"is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise NotJsonError("is nested too deeply") from None
    except NotJsonError:
        raise
    except ValueError:  # the interpreter's limit on the digits of an integer
        raise NotJsonError("holds a number of too many digits") from None
    return value


def shown(value: object, *, secret: bool = False) -> str:
    """A value as a message may repeat it: short, and never the text of a secret."""
    match value:
        case dict():
            return "an object"
        case list():
            return "a list"
        case str() if secret:
            return f"a text of {len(value)} characters"
        case str():
            return cut(json.dumps(value[:LONGEST_VALUE], ensure_ascii=False))
        case _:
            return cut(json.dumps(value, default=str))
