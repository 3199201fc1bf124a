"""The steps of a load run's history that the generator writes."""

STORY = "load"
"""The story of which every entry of a load run's history is a step."""
PREFLIGHT = f"{STORY}/preflight/"
SLOWEST, WRONG = f"{STORY}/slowest/", f"{STORY}/wrong/"
