"""A simulated OrderFlow site."""
