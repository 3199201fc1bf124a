"""The environment of the programs that a run starts."""

import os
from collections.abc import Mapping

_OF_CLIENTS = ("_proxy", "_ca_bundle", "ssl_cert_dir", "ssl_cert_file")


def child_environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process' environment without proxies, certificate authorities and credentials for HTTP clients, and `more`.

    The deployment file alone says where requests go, with which credentials, and which authorities are trusted: a
    company's proxy would take the calls on this machine, and ~/.netrc replace an Authorization header.
    """
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith(_OF_CLIENTS)}
    return {**kept, "NETRC": os.devnull, **(more or {})}
