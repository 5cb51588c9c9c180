"""``manage.py events load``: a client of ``customer-orders:load`` that can be killed and started again.

    batches    the file cut into requests, from where the last run stopped
    position   where that is, in a small file beside the input
    hub        token, request, waiting where the hub asks to wait
    command    options, progress, refused lines, exit codes

A request whose answer never came is sent again with the same bytes and the same Idempotency-Key, which is made of the
tenant, the place in the file and the bytes: the hub stores it once.
"""
