"""Loading pages in a browser during a run."""
