"""The simulated tuvens-api: everything that the contract says of it, honest unless a fault is armed."""
