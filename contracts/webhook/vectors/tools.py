"""PHP, Node.js and Python as other implementations: each with its own JSON library and its own HMAC."""

import base64
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

_SECONDS = 60

_PHP = r"""
$given = json_decode(stream_get_contents(STDIN), true);
$update = $given['update'];
$bodies = [%s];
$answers = [];
foreach ($given['signed'] as [$key, $body]) {
    $answers[] = 'sha256=' . hash_hmac('sha256', base64_decode($body), base64_decode($key));
}
$bodies = array_map('base64_encode', $bodies);
echo json_encode(['tool' => 'PHP ' . PHP_VERSION, 'bodies' => $bodies, 'answers' => $answers]);
"""
_NODE = r"""
const {update, signed} = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const {createHmac} = require('crypto');
const bytes = text => Buffer.from(text, 'base64');
const bodies = [%s].map(body => Buffer.from(body, 'utf8').toString('base64'));
const answers = signed.map(([key, body]) =>
    'sha256=' + createHmac('sha256', bytes(key)).update(bytes(body)).digest('hex'));
console.log(JSON.stringify({tool: 'Node.js ' + process.versions.node, bodies, answers}));
"""
_PYTHON = r"""
import base64, hashlib, hmac, json, sys
given = json.load(sys.stdin)
update = given['update']
bodies = [base64.b64encode(body.encode()).decode() for body in (%s)]
answers = ['sha256=' + hmac.new(base64.b64decode(key), base64.b64decode(body), hashlib.sha256).hexdigest()
           for key, body in given['signed']]
print(json.dumps({'tool': 'Python ' + sys.version.split()[0], 'bodies': bodies, 'answers': answers}))
"""
_COMMANDS = {"php": ("php", "-r"), "node": ("node", "-e"), "python": (sys.executable, "-c")}
_PROGRAMS = {"php": _PHP, "node": _NODE, "python": _PYTHON}


class ToolError(RuntimeError):
    """A language's tool is not there, or failed; the text says which and how."""


def available(language: str) -> bool:
    """Whether the language's command is on the path."""
    return shutil.which(_COMMANDS[language][0]) is not None


def run(
    language: str,
    *,
    update: Mapping[str, Any] | None = None,
    expressions: Sequence[str] = (),
    signed: Sequence[tuple[str, bytes]] = (),
) -> tuple[str, list[bytes], list[str]]:
    """Let a language write bodies and sign: its name with version, the bodies that its `expressions` make of `update`,
    and the signature header for each (key, body). Raises ToolError."""
    if not available(language):
        raise ToolError(f"{language} is not installed: the command {_COMMANDS[language][0]} is not found")
    program = _PROGRAMS[language] % "".join(f"{each}, " for each in expressions)
    given = {"update": update, "signed": [[_base64(key.encode()), _base64(body)] for key, body in signed]}
    done = subprocess.run(
        [*_COMMANDS[language], program],
        input=json.dumps(given).encode(),
        capture_output=True,
        timeout=_SECONDS,
        check=False,
    )
    try:
        output = json.loads(done.stdout)
        return output["tool"], [base64.b64decode(each) for each in output["bodies"]], output["answers"]
    except ValueError:
        problem = (done.stderr or done.stdout).decode("utf-8", "replace").strip()[-500:]
        raise ToolError(f"{language} failed with exit code {done.returncode}: {problem}") from None


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()
