"""The code that runs in Locust's processes: users, and a driver for the open model. Only it imports Locust."""
