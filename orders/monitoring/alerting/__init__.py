"""Telling people: rules are looked at every few seconds, incidents open and end, messages are owed until they are sent.

    measures   what can be watched: a reading per subject (Integration.alert_measures adds some)
    incidents  readings against rules: one incident per subject, ended when it has been quiet for a while
    messages   by mail and by signed webhook: one when it opens, one when it is over, tried again until they arrive

Periodic work (orders.tasks). Nothing is sent inside a transaction; two schedulers at once send nothing twice.
"""
