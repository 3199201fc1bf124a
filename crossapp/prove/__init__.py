"""`crossapp prove`: verifications of faulty simulators, and the kill matrix made of them."""
