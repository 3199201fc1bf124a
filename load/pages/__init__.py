"""Loading pages in a browser, after the requests."""
