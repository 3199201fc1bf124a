"""Replaying pacts: provider states, Pact's verifier, and the interactions one after the other."""
