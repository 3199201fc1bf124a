"""What the samples say: statistics, the history, the requirements, the report's section."""
