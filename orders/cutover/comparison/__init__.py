"""Shadow comparison: a migrating tenant's own system against the stored copies, in a background thread.

    documents    compare two documents of one order, member by member
    answers      collect the answers of proxied reads in bounded memory, and compare them in a thread
    judging      decide: matched, stale or wrong
    rows         store the result: counts per hour, the newest difference per order and member

``orders.cutover.matches`` reads the rows, ``ignored_differences`` says what does not count, and ``sampling`` reads
orders that nobody else reads.
"""
