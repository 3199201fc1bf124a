"""What a load run is to do: budgets, arrivals, the settings of a run; nothing is sent."""
