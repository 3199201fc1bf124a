"""Renderings of a report, all pure functions: terminal, HTML, Markdown, JUnit."""
