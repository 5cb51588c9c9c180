"""The self-test of a tenant: every connection is tried once; the result is one line each, stored with person and time.

    core_checks (token, read, search, contract) + Integration.self_test -> running.self_test -> SelfTest row -> reports

It creates no order and notifies no supplier or warehouse. API calls go through the hub's own request handling in this
process (``in_process_client``): middleware, token endpoint, views, database, but not socket, TLS or the proxy in front;
a separate trial calls the public address. The network is called outside transactions, and no trial begins after
RUN_SECONDS.
"""
