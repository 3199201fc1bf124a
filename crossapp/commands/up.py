"""`crossapp up`: start the simulators and keep them running."""

from simulators.up import up

__all__ = ["up"]
