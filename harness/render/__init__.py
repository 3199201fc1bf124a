"""Renderings of a report: pure functions of the saved model, for terminals, browsers, comments and builds."""
