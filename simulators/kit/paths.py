"""Paths that every simulator has beside those of its document."""

CONTROL = "/__crossapp__"
"""What the control plane is below."""
