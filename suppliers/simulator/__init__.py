"""A simulated supplier."""
