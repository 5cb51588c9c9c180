"""Pages of orders and their events."""
