"""A simulated company, for a first look and for tests that need the true probabilities."""
