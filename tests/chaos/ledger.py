"""What the database itself noted: triggers of the drill's own write a row when an application commits, and only then.

Positions are given while the order's row is locked, so within one order they are in the order of commit.
"""

from __future__ import annotations

import contextlib
import hashlib
import time

import psycopg

from orders.documents import digest, stored_order
from tests.chaos.checker import Accepted, Applied, History, Lost, Stored, Written

INSTALL = """
CREATE TABLE chaos_applied (
    position bigserial PRIMARY KEY, transaction bigint, queue_id bigint, sequence bigint, event_id uuid, body text,
    at timestamptz, by_whom text DEFAULT session_user);
CREATE TABLE chaos_written (
    position bigserial PRIMARY KEY, transaction bigint, queue_id bigint, sequence bigint, document text,
    at timestamptz);
CREATE TABLE chaos_lost (queue_id bigint, done bigint, at timestamptz);

CREATE FUNCTION chaos_note_applied() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO chaos_applied (transaction, queue_id, sequence, event_id, body, at) VALUES (
        txid_current(), NEW.queue_id, NEW.sequence, NEW.id,
        encode(sha256(convert_to(NEW.payload, 'UTF8')), 'hex'), clock_timestamp());
    RETURN NULL; END $$;
CREATE TRIGGER chaos_applied AFTER UPDATE OF status ON orders_orderevent
    FOR EACH ROW WHEN (NEW.status = 'applied') EXECUTE FUNCTION chaos_note_applied();

CREATE FUNCTION chaos_note_written() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM pg_sleep({drag});
    INSERT INTO chaos_written (transaction, queue_id, sequence, document, at) VALUES (
        txid_current(), NEW.queue_id, NEW.applied_sequence, NEW.digest, clock_timestamp());
    RETURN NULL; END $$;
CREATE TRIGGER chaos_written AFTER INSERT OR UPDATE ON orders_order
    FOR EACH ROW EXECUTE FUNCTION chaos_note_written();

CREATE FUNCTION chaos_note_lost() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO chaos_lost (queue_id, done, at) VALUES (NEW.id, NEW.done_sequence, clock_timestamp());
    RETURN NULL; END $$;
CREATE TRIGGER chaos_lost AFTER UPDATE OF lease ON orders_orderqueue
    FOR EACH ROW WHEN (OLD.lease IS NOT NULL AND NEW.lease IS NOT NULL) EXECUTE FUNCTION chaos_note_lost();
"""

EMPTY = """
TRUNCATE orders_orderevent, orders_order, orders_orderqueue, chaos_applied, chaos_written, chaos_lost CASCADE
"""

DRAIN_SECONDS = 180
DRAG_SECONDS = 0.004
"""What the trigger adds to writing one order: batches that last let kills hit workers while they apply."""


class Ledger:
    """Reads with a connection of its own each time: the server may have been restarted since."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url

    def install(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(INSTALL.replace("{drag}", str(DRAG_SECONDS)))

    def empty(self) -> None:
        """For the next trial; nothing may be due."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(EMPTY)

    def forget_secrets(self) -> None:
        """What a tenant of one trial has sealed, perhaps under keys of its own, is nothing to the next."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute("DELETE FROM orders_secret")

    def still_due(self) -> int:
        return self._rows("SELECT count(*) FROM orders_orderqueue WHERE due_at IS NOT NULL")[0][0]

    def applied_at(self) -> dict[str, float]:
        """When each event was applied, by its id; time.time()."""
        return dict(
            self._rows("SELECT event_id::text, extract(epoch FROM max(at))::float8 FROM chaos_applied GROUP BY 1")
        )

    def applied_by(self) -> dict[str, int]:
        """How many events each user of the database applied."""
        return dict(self._rows("SELECT by_whom, count(*) FROM chaos_applied GROUP BY 1"))

    def history(self, accepted: list[Accepted]) -> History:
        orders = dict(self._rows("SELECT id, customer_order_id FROM orders_orderqueue"))
        return History(
            accepted=accepted,
            stored=self._stored(orders),
            applied=[
                Applied(position, transaction, orders[queue], sequence, str(event), body)
                for position, transaction, queue, sequence, event, body in self._rows(
                    "SELECT position, transaction, queue_id, sequence, event_id, body FROM chaos_applied"
                )
            ],
            written=[
                Written(position, transaction, orders[queue], sequence, document)
                for position, transaction, queue, sequence, document in self._rows(
                    "SELECT position, transaction, queue_id, sequence, document FROM chaos_written"
                )
            ],
            final={
                orders[queue]: (sequence, document_digest)
                for queue, sequence, document_digest in self._rows(
                    "SELECT queue_id, applied_sequence, digest FROM orders_order"
                )
            },
            lost=[Lost(orders[queue], done) for queue, done in self._rows("SELECT queue_id, done FROM chaos_lost")],
        )

    def _stored(self, orders: dict[int, str]) -> list[Stored]:
        rows = self._rows(
            "SELECT id, queue_id, sequence, payload, status, attempts, changed FROM orders_orderevent ORDER BY id"
        )
        return [
            Stored(
                event_id=str(event),
                order=orders[queue],
                sequence=sequence,
                body=hashlib.sha256(payload.encode()).hexdigest(),
                document=digest(stored_order(payload.encode())),
                status=status,
                attempts=attempts,
                changed=changed,
            )
            for event, queue, sequence, payload, status, attempts, changed in rows
        ]

    def _rows(self, sql: str) -> list[tuple]:
        with psycopg.connect(self._url, connect_timeout=5) as connection:
            return connection.execute(sql).fetchall()


def drain(ledger: Ledger) -> None:
    """Wait until nothing is due."""
    until = time.monotonic() + DRAIN_SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(psycopg.OperationalError):
            if not ledger.still_due():
                return
        time.sleep(0.1)
    raise AssertionError(f"{ledger.still_due()} orders are still due {DRAIN_SECONDS} s after the last PUT")
