"""Tools around the stories: the signing proxy, provider states and Pact's verifier, fuzzing, lockstep."""
