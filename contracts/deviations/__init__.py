"""Ready-made deviations: choices against a ruling that a deployment may make, known by name."""

from contracts.deviations.known import KNOWN

__all__ = ["KNOWN"]
