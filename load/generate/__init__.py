"""Sending the load, and the samples of it."""
