"""The outbox: what is owed to destinations, sent lane by lane, its outcomes and its destinations' health."""
