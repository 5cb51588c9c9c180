"""What suppliers report to the hub."""
