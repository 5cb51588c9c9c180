"""The Order Data API: a supplier's part of an order."""
