"""A simulated order management system."""
