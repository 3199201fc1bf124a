"""The generator processes: users and an open-model driver on Locust. The only place that imports it."""
