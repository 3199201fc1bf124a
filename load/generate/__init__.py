"""Sending the load and recording what came back."""
