"""Load tests: an open arrival model on Locust, budgets judged with confidence bounds, and the generator's own health.

Only `load/locustfile.py` and `load/generate/locust_process/` import Locust, which patches the whole process: everything
else starts it as a process of its own. The statistics, budgets and judges are pure.
"""
