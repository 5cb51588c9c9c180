"""The cut-over of a tenant from proxy mode to events mode.

ledger, listing          which orders the tenant's own system has: seen in reads, or from a file or the API
progress, ledger_hours   known orders against received ones, now and hour by hour
load_lines, loads        many orders in one request, stored once per Idempotency-Key
comparison               the answers of the tenant's own system against the stored copies
sampling                 reads stored orders only to compare them
ignored_differences      members whose differences do not count
matches                  how often both agree, hour by hour, and where they do not
requirements, checklist  when a tenant may be cut over, and whether it may now
switch, changes          the cut-over and the way back, and what they would change
order_choice, releases, release_work   release orders known before: which, the preview, the work
"""
