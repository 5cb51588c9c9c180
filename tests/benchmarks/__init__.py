"""Comparisons with a baseline in the same run: medians of alternating rounds, ratios, spread.

    make bench [ONLY=name]

The load generator, the servers and the hub share the machine's cores, so absolute figures are low and noisy; only
ratios to a baseline measured in the same minutes are claimed.
"""
