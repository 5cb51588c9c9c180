"""Counters, timeline entries and traces that the engine writes as it works."""
