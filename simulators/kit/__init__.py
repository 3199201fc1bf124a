"""What every simulator is made of: clock, database, journal, rate limits, binding, faults, control plane, server."""
