"""Lockstep: the same sequence of calls at two deployments, to find the first response in which they differ."""
