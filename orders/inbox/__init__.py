"""The inbox: received, applied in sequence per order, retried, dead-lettered, replayed by a person."""
