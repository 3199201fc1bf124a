"""Fuzzing by Schemathesis: what it is given, how it is run, and what of its findings counts."""
