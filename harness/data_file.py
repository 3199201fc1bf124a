"""Reads TOML and JSON files."""

import json
import tomllib
from pathlib import Path
from typing import Any


def read_data(path: Path, error: type[ValueError]) -> dict[str, Any]:
    """The fields of a file: JSON if its suffix is .json, else TOML. Raises `error`, its text naming the file."""
    kind = "JSON" if path.suffix == ".json" else "TOML"
    try:
        text = path.read_text("utf-8-sig")  # some editors write a byte order mark
        value = json.loads(text) if kind == "JSON" else tomllib.loads(text)
    except OSError as failed:
        raise error(f"{path}: cannot be read ({failed.strerror})") from None
    except UnicodeDecodeError:
        raise error(f"{path}: is not UTF-8 text") from None
    except (ValueError, RecursionError) as failed:
        why = "nested too deeply" if isinstance(failed, RecursionError) else failed
        raise error(f"{path}: not readable as {kind}: {why}") from None
    if not isinstance(value, dict):
        raise error(f"{path}: must be a table of fields")
    return value
