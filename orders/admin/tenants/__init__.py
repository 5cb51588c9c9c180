"""Pages of tenants, their API clients, settings and history."""
