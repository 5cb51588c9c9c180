"""Dead letters: grouped by cause, previewed, retried or discarded by an operator, one by one or in bulk.

causes           the cause of an error, without its ids and numbers; what to try
selection        which dead rows: kind, tenant, cause
groups           how many dead rows each cause has, of which tenants, since when
bulk_runs        work through a selection in the background, with a cursor
operations       what events and deliveries have in common
dead_events      preview, retry, discard one event
dead_deliveries  preview, retry, discard, redeliver one delivery
"""
