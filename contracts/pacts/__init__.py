"""What each consumer relies on: Pact files, written by its tests (tests/contracts/pacts)."""
