"""A batch too long for the database's statement_timeout must not be tried as a whole for ever."""

from __future__ import annotations

import pytest
from django.db import connection

from orders.inbox import applying
from orders.models import OrderEvent

pytestmark = pytest.mark.needs_postgres

ORDERS = 20
SLOW = """
    CREATE FUNCTION slow_write() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        PERFORM pg_sleep(0.03); RETURN NULL; END $$;
    CREATE TRIGGER slow_write AFTER INSERT ON orders_order FOR EACH ROW EXECUTE FUNCTION slow_write()
"""


def test_a_batch_that_takes_longer_than_a_statement_may_is_applied_order_by_order(engine):
    for number in range(ORDERS):
        engine.put(f"slow-{number}")
    with connection.cursor() as cursor:
        cursor.execute(SLOW)
        cursor.execute("SET LOCAL statement_timeout = '300ms'")
    applying.drain()
    fates = OrderEvent.objects.values_list("status", "attempts")
    assert list(fates) == [("applied", 1)] * ORDERS
