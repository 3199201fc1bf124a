"""The consumers' side of the pacts. Pact's library must not report its use to anyone."""

import os

os.environ.setdefault("PACT_DO_NOT_TRACK", "true")
