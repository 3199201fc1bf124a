"""Simulated tuvens-api and hi.events: all that the contract says, wrong only where a fault is armed."""
