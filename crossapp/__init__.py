"""The command line, and the composition of what the other packages offer."""
