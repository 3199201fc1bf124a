"""Load: an open arrival model on Locust, budgets with verdicts that can be trusted, and the health of the generator.

Only `load/locustfile.py` and `load/generate/locust_process/` import Locust, which patches the whole process: everything
else starts it as a process of its own. The statistics, budgets and judges are pure.
"""
