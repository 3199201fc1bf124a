"""The state of a browser in which a user is signed in, as Playwright saves it (storageState)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.deployment import DeploymentError


class _Cookie(BaseModel):
    model_config = ConfigDict(extra="allow")

    name: str
    value: str


class _Entry(BaseModel):
    name: str
    value: str


class _Origin(BaseModel):
    model_config = ConfigDict(extra="ignore")

    origin: str
    localStorage: tuple[_Entry, ...] = ()  # noqa: N815  # as Playwright spells it


class _State(BaseModel):
    model_config = ConfigDict(extra="ignore")

    cookies: tuple[_Cookie, ...] = ()
    origins: tuple[_Origin, ...] = ()


def read_state(file: str, at: str) -> Mapping[str, Any] | None:
    """The cookies and localStorage of a state file; None where no file is named. Raises DeploymentError."""
    if not file:
        return None
    try:
        return _State.model_validate_json(Path(file).read_text("utf-8-sig")).model_dump(mode="json")
    except OSError as error:
        raise DeploymentError(f"{at}storage_state: {file!r} cannot be read ({error.strerror})") from None
    except (UnicodeDecodeError, ValidationError):
        raise DeploymentError(f"{at}storage_state: {file!r} is not a storage state as Playwright saves it") from None
