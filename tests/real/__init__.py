"""crossapp against small applications on the frameworks that the three teams use (README.md)."""
