"""The session that the own server of tuvens-client generates for its pages."""
