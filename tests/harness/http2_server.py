"""A TLS server in Node.js that speaks HTTP/2, alone or beside HTTP/1.1: a small reverse proxy, or one that says how it
was asked."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.extras import is_installed

needs_http_2 = pytest.mark.skipif(
    not ((is_installed("http2") and shutil.which("node")) or os.environ.get("CI") == "true"),
    reason="no Node.js, or no h2: pip install h2",
)

_SERVER = """
const http2 = require("http2"), http = require("http"), fs = require("fs");
const { certificate, both, upstream } = JSON.parse(process.argv[1]);
const pem = fs.readFileSync(certificate);
const server = http2.createSecureServer({ cert: pem, key: pem, allowHTTP1: both });
const agent = new http.Agent({ keepAlive: true });
let streams = 0;
const dropped = new Set(["connection", "keep-alive", "transfer-encoding"]);
const kept = headers => Object.fromEntries(Object.entries(headers).filter(
  ([name]) => !name.startsWith(":") && !dropped.has(name)));
server.on("request", (request, response) => {
  if (upstream) {
    const options = { method: request.method, headers: kept(request.headers), agent };
    const there = http.request(new URL(upstream + request.url), options, answer => {
      response.writeHead(answer.statusCode, kept(answer.headers));
      answer.pipe(response);
      answer.on("end", () => request.resume());
    });
    there.on("error", () => response.headersSent || response.stream.close());
    response.on("close", () => there.destroy());
    request.pipe(there);
    return;
  }
  if (request.url === "/stream") {
    streams += 1;
    response.on("close", () => { streams -= 1; });
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write("data: {}\\n\\n");
    return;
  }
  if (request.url === "/huge") {
    response.end(Buffer.alloc(64 * 1024 * 1024, "x"));
    return;
  }
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify({ version: request.httpVersion, streams }));
});
server.on("sessionError", () => {});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit()).resume();
"""


@contextmanager
def http_2_server(certificate: Path, *, upstream: str = "", both: bool = False) -> Iterator[str]:
    """Its base URL. With an `upstream` URL it passes all requests on to it; `both`: it takes HTTP/1.1, too."""
    settings = {"certificate": str(certificate), "both": both, "upstream": upstream}
    command = ["node", "-e", _SERVER, json.dumps(settings)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdin is not None
        port = child.stdout.readline().strip()
        try:
            yield f"https://127.0.0.1:{port}"
        finally:
            child.stdin.close()
            child.wait(20)
