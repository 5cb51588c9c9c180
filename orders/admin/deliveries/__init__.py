"""Pages of deliveries and destinations."""
