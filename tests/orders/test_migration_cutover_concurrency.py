"""Two people who press at once: one cuts over, the other is refused."""

import threading

import pytest
from django.db import connections

from orders.cutover import switch
from orders.cutover.switch import CutOverRefused, cut_over
from orders.models import OperatorAction, Tenant

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both]


def test_two_cut_overs_at_once_are_one(moving, monkeypatch):
    """Each counts the checklist under the tenant's row lock, so the second sees what the first did."""
    both_there, answers = threading.Barrier(2), []

    def press(who):
        both_there.wait(10)
        try:
            cut_over(moving.tenant, who=who, reason="the day")
            answers.append("done")
        except CutOverRefused as refused:
            answers.append(str(refused))
        finally:
            connections.close_all()

    counting = switch.checklist

    def slowly(tenant):
        seen = counting(tenant)
        threading.Event().wait(0.3)
        return seen

    monkeypatch.setattr(switch, "checklist", slowly)
    people = [threading.Thread(target=press, args=(who,)) for who in ("ann", "bob")]
    for one in people:
        one.start()
    for one in people:
        one.join()
    assert sorted(answers) == ["Acme Retail is in events mode; only a migrating tenant is cut over.", "done"]
    assert OperatorAction.objects.filter(action="cut over").count() == 1
    assert Tenant.objects.get(pk=moving.tenant.pk).mode == "events"
