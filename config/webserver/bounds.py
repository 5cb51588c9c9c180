"""How long a caller may take, and how much of the server one may hold (docs/design/decisions, number 7)."""

HEAD_SECONDS = 5.0
"""From a request's first byte to the end of its headers: they fit a few packets, which any line brings in a second."""
BODY_SECONDS = 10.0
BODY_PACE = 16 * 1024
"""A body, and an answer, has BODY_SECONDS and a second more for each BODY_PACE bytes of it that moved: a mebibyte may
take 74 s, as over a line of 128 kbit/s, the largest file 35 minutes."""
LEAVE_SECONDS = 2.0
"""Of silence, for a caller to take its last answer before the connection is closed, as gunicorn has it."""
LEAVE_MOST_SECONDS = 30.0
"""For a caller that still sends: most programs read an answer only when they have sent all (RFC 9112, section 9.6). As
nginx has it; what comes is thrown away."""
SLOW_AFTER = 1.0
"""A connection that stands longer than this at one stage is counted; a thousand that begin at once are no attack."""
SLOW_PER_ADDRESS = 64
"""Slow connections of one address; beyond, its oldest are closed. A proxy or an office shares an address, but few of
its requests stand for a second without their end: those of slow lines, and connections opened in advance."""
LARGEST_HEAD = 1024 * 1024
"""More than gunicorn's own limits allow (100 fields of 8,190 bytes): it names the one that is exceeded."""
LARGEST_BODY = 34 * 1024 * 1024
"""More than the hub takes anywhere (config.security.FORM_BYTES): it refuses what is longer without reading it."""
CHUNKS_AT_LEAST = 10_000
CHUNK_AVERAGE = 128
"""A body may come in CHUNKS_AT_LEAST chunks, and in one more for each CHUNK_AVERAGE bytes of it. The loop steps over
each, a microsecond or two: a third of a second for LARGEST_BODY. Libraries send chunks of kilobytes."""
BYTES_HELD = 256 * 1024 * 1024
"""Of requests and answers in one process: seven of the largest. Beyond, the oldest LARGE ones are closed."""
LARGE = 64 * 1024
"""An order has some kilobytes; so has what may stand between two chunks, or behind the last."""
ANSWER_HELD = 8 * 1024 * 1024
"""Of one answer: more than the largest that a partner may give (5 MiB). The thread of a longer one, an export for a
signed-in person, waits for its caller."""
PIECE = 256 * 1024
"""Read at once from one connection, so that a fast sender leaves the loop to others."""
DEADLINE_LOOK_SECONDS = 0.5
"""Between two looks at the deadlines, which are counted in seconds."""
