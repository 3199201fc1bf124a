"""What a load run is to do: budgets, arrivals, settings."""
