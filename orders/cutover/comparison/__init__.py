"""Shadow comparison: what a migrating tenant's own system answers, against the stored copies, off the caller's path.

    documents    two documents of one order, member by member
    answers      what proxied reads left to be compared; bounded, by a thread that nobody waits for
    judging      matched, stale or wrong
    rows         what that comes to: counts by the hour, the newest difference per order and member

Beside it orders.cutover.matches reads the rows, ``noise`` says what is ignored, ``sampling`` compares what nobody
reads.
"""
