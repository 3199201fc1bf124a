"""`crossapp up`: start the simulators."""

from simulators.up import up

__all__ = ["up"]
