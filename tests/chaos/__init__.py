"""The inbox under fire: real processes on real PostgreSQL and Redis, while workers, servers and connections are killed.

    python -m tests.chaos --seconds 120 --events 20000

senders.py  keep putting and keep their own ledger of every 202
havoc.py    kills workers every second; restarts, cuts and empties what they depend on
ledger.py   triggers of our own, in the tables' database, note every application as it commits
checker.py  reads it all back and names what was lost, doubled or reordered
drill.py    one run from the first PUT to the verdict
"""
