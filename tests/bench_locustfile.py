"""Users that never think, for `tests.bench` where wrk is not installed."""

import itertools
import json
import os
from pathlib import Path

from locust import FastHttpUser, task

_CALLS = itertools.cycle(json.loads(Path(os.environ["CALLS"]).read_text("utf-8")))


class Hurried(FastHttpUser):
    """Sends the next call as soon as the last one is answered."""

    @task
    def send(self) -> None:
        """The next call."""
        method, target, headers, body = next(_CALLS)
        self.client.request(method, target, name="all", headers=headers, data=body)
