"""What follows from the measurements: statistics, the history, requirements, the report's section."""
