"""Two deployments in lockstep: the same sequence of calls at both, and the first answer in which they differ."""
