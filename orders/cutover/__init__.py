"""Moving a tenant from proxy to events without a bad night.

telling      whether a change is told to suppliers and warehouses, and why not
switching    the tenant's mode, with what that means for telling
ledger       which orders the tenant's own system is known to have; collected off the caller's path
listing      the same from a file or over the API, and the missing ones as a file
progress     known against received, the rate, when it will be done
hours        how far it was, hour by hour, for a chart
rule         when a tenant may be cut over: its numbers or the defaults
checklist    whether it may, line by line; cutover does it and takes it back
comparing, noise, sampling      the own system against the stored copies: reads, what is ignored, what nobody reads
matches      how often they agree, hour by hour, and where they do not
choices, releases, releasing    letting go of orders known before: which, what that would send, the work
lines, loads                    many orders in one request: read line by line, stored once per Idempotency-Key
"""
