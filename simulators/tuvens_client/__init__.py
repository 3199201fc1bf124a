"""The simulated tuvens-client: event pages with the ticketing widget, and what their own server does for them."""
