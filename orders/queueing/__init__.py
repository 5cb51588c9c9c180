"""Queues in the database: claims with leases, wake-ups, retries and the sweep."""
