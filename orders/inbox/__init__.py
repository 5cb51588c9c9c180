"""The inbox: events are received, applied in sequence per order, retried, and dead after the last retry."""
