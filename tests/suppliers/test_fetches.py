"""What a fetch puts on record when the order changes at the same moment."""

import threading
import time

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from suppliers.models import SupplierPart
from suppliers.order_data.fetches import fetch_part
from tests.suppliers.conftest import order

WAITING = """
SELECT count(*) FROM pg_locks waiting WHERE NOT granted AND EXISTS (
    SELECT 1 FROM pg_locks held JOIN pg_database ON pg_database.oid = held.database
    WHERE held.pid = waiting.pid AND datname = current_database())
"""  # other workers' databases are on the same server

pytestmark = [pytest.mark.needs_postgres, pytest.mark.django_db(transaction=True)]


def test_an_event_required_while_the_part_was_read_stays_unfetched(book, add_supplier):
    """Seen to fail without the comparison of the two sequences."""
    add_supplier("beans", ["*"])
    book.apply(order("BEAN-1"))
    part = SupplierPart.objects.select_related("supplier__api_client").get()
    fetching = threading.Thread(target=fetch, args=[part])
    with transaction.atomic():
        newer = part.owed_sequence + 1
        SupplierPart.objects.update(owed_sequence=newer, unfetched_since=timezone.now())
        fetching.start()
        wait_for_the_row()
    fetching.join()
    part.refresh_from_db()
    assert (part.fetches, part.owed_sequence) == (1, newer)
    assert part.unfetched_since is not None


def fetch(part):
    fetch_part(part.supplier.api_client, part.token, correlation_id="look-1")
    connections.close_all()


def wait_for_the_row():
    for _ in range(200):
        with connection.cursor() as cursor:
            cursor.execute(WAITING)
            if cursor.fetchone()[0]:
                return
        time.sleep(0.02)
    raise AssertionError("the fetch never waited for the part's row")
