"""Secrets of a deployment file: given as text, or as an environment variable, a file or a command to read them from."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from harness.deployment import DeploymentError
from harness.spellings import SHORTEST

if TYPE_CHECKING:
    from harness.file_tables import Table

_COMMAND_SECONDS = 30
_PLACEHOLDER = re.compile(
    r"<.*>|\$\{.*\}|\$[A-Z_]+|\{\{.*\}\}|%\w+%|.*(?:…|\.\.\.).*|[x*._-]+"  # markup, or one sign again and again
    r"|(?:please|your|insert|enter|paste|put|replace|fill|todo|tbd|placeholder)(?:[\s_.-].*)?"
    r"|change[\s_.-]?(?:me|it|this)",
    re.IGNORECASE | re.DOTALL,
)
"""What stands in templates, as a whole: `<token>`, `${TOKEN}`, `please-fill-in`, `changeme`, `xxxxxxxx`."""


def read_secret(table: "Table", name: str, at: str, *, required: bool = False) -> str:
    """The secret of a table's field `name`, `name_env`, `name_file` or `name_command` (the last line that it prints).

    `at` is the path of the table in the file, such as `credentials.`. Empty if none is given. Raises DeploymentError,
    which never shows a secret.
    """
    forms = [
        each for each in (name, f"{name}_env", f"{name}_file", f"{name}_command") if each in table.model_fields_set
    ]
    if len(forms) > 1:
        raise DeploymentError(f"{at}{name}: give one of {', '.join(forms)}, not {len(forms)}")
    if not forms:
        if required:
            raise DeploymentError(f"{at}{name}: missing; give {name}, {name}_env, {name}_file or {name}_command")
        return ""
    form, text = forms[0], str(getattr(table, forms[0]))
    if form.endswith("_env"):
        found = os.environ.get(text, "")
        if not found.strip():
            raise DeploymentError(f"{at}{form}: the environment variable {text} is not set")
        return found.strip()
    if form.endswith("_file"):
        try:
            found = Path(text).read_text("utf-8-sig").strip()
        except (OSError, UnicodeDecodeError):
            raise DeploymentError(f"{at}{form}: {str(Path(text).absolute())!r} cannot be read") from None
        if not found:
            raise DeploymentError(f"{at}{form}: {str(Path(text).absolute())!r} is empty")
        return found
    return _last_line_of(text, at + form) if form.endswith("_command") else text.strip()


def read_own_secret(table: "Table", name: str, at: str) -> str:
    """As `read_secret`, for a secret that is no URL: one that is so short that reports cannot be kept free of it is
    refused, and so is what a template has in the place of a secret."""
    return _fit(read_secret(table, name, at), at + name)


def read_header_secret(table: "Table", name: str, at: str, *, required: bool = False) -> str:
    """As `read_own_secret`, for a secret that is sent in a header. Quotes around it are refused: they would be sent
    too."""
    return _fit(_for_header(table, name, at, required=required), at + name)


def read_jwt(table: "Table", name: str, at: str, *, required: bool = False) -> str:
    """As `read_header_secret`, for a JWT or another bearer token; a `Bearer` before it is taken off."""
    token = _for_header(table, name, at, required=required)
    if token[:7].lower() == "bearer ":
        token = token[7:].strip()
    if " " in token:
        raise DeploymentError(f"{at}{name}: holds a blank, so it is no token that follows Bearer in a header")
    return _fit(token, at + name)


def _for_header(table: "Table", name: str, at: str, *, required: bool) -> str:
    secret = read_secret(table, name, at, required=required)
    if len(secret) > 1 and secret[0] == secret[-1] and secret[0] in "\"'`":
        raise DeploymentError(f"{at}{name}: stands in quotes; take them out")
    if not (secret.isascii() and secret.isprintable()):
        raise DeploymentError(
            f"{at}{name}: holds a line break or a character that is not ASCII, so no header can carry it"
        )
    return secret


def _fit(secret: str, at: str) -> str:
    if secret and _PLACEHOLDER.fullmatch(secret):
        raise DeploymentError(f"{at}: is what a template has in its place; give the secret itself")
    if 0 < len(secret) < SHORTEST:
        raise DeploymentError(
            f"{at}: has {len(secret)} characters; give one of at least {SHORTEST}: a shorter one is part of many "
            "texts, so it could not be kept out of reports"
        )
    return secret


def _last_line_of(command: str, at: str) -> str:
    # crossapp's own programs are found even if its virtual environment is not activated.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    try:
        done = subprocess.run(
            shlex.split(command),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_COMMAND_SECONDS,
            check=False,
            env={**os.environ, "PATH": path},
        )
    except (OSError, ValueError, IndexError) as error:
        raise DeploymentError(f"{at}: cannot be run ({error})") from None
    except subprocess.TimeoutExpired:
        raise DeploymentError(f"{at}: did not finish within {_COMMAND_SECONDS} s") from None
    lines = done.stdout.strip().splitlines()
    if done.returncode != 0 or not lines:
        raise DeploymentError(
            f"{at}: exit code {done.returncode}, {len(lines)} lines printed; it must print the secret"
        )
    return lines[-1].strip()
