"""Alerts as periodic work (orders.tasks)."""

from __future__ import annotations

from orders.database.clock import DatabaseClock
from orders.integrations.periodic import each
from orders.monitoring.alerting.incidents import look, rules_to_look_at
from orders.monitoring.alerting.messages import deliver, due_messages


class Alerting:
    def due(self) -> bool:
        now = DatabaseClock.recent().now()
        return bool(rules_to_look_at(now) or due_messages(now))

    def run(self) -> None:
        each(rules_to_look_at(DatabaseClock().now()), look)
        each(due_messages(DatabaseClock().now()), deliver)
