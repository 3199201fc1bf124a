"""What the programs that a run starts see of the caller's environment."""

import os

import pytest

from harness.child_environment import child_environment


def test_what_steers_http_clients_stays_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "https_proxy", "NO_PROXY", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("NETRC", "/home/me/.netrc")
    monkeypatch.setenv("LANG", "C.UTF-8")
    found = child_environment({"JWT_SECRET": "s"})
    assert not [name for name in found if name.lower().endswith(("_proxy", "_cert_file", "_ca_bundle"))]
    assert (found["NETRC"], found["LANG"], found["JWT_SECRET"]) == (os.devnull, "C.UTF-8", "s")
