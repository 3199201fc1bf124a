"""Fuzzing with Schemathesis: the documents for it, running it, and which of its findings count."""
