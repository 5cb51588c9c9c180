"""The self-test of a tenant: every road tried once, one line each, kept with who ran it and when.

    core_checks (token, read, search, contract) + Integration.self_test -> running.self_test -> SelfTest row -> reports

No order is made and no supplier or warehouse is told of one. The API's roads go through the hub's own request handling
in this process (``surface``): middleware, token endpoint, views, database; not through the socket, TLS and proxy in
front, which a line of its own tries by the public address. The network is called outside transactions, and no line is
begun when RUN_SECONDS are over.
"""
