"""Monitoring: problems that need a person, progress of the work, counters, alerts, invariants."""
