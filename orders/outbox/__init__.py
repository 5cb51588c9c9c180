"""The outbox: pending deliveries, sent lane by lane; their outcomes; the health of their destinations."""
