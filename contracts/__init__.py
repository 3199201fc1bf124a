"""What must hold at each seam between the applications: messages (`wire.py`), rules, vectors."""
