"""Alerts: rules are evaluated every few seconds, incidents open and end, and messages are sent until they arrive.

    measures   what rules can measure: a reading per subject (Integration.alert_measures adds more)
    incidents  readings against rules: one incident per subject, which ends after QUIET_FOR below the threshold
    messages   by mail and by signed webhook: one when an incident opens, one when it is over

Periodic work (orders.tasks). Nothing is sent inside a transaction; two schedulers at once send nothing twice.
"""
