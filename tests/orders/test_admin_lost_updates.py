"""A form of the admin writes the columns that it changed; what others write of the row meanwhile stays."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from orders.admin.base import HubAdmin
from orders.admin.tenants.retention import RetentionAdmin
from orders.models import Retention
from tests.admin_fixtures import agreed

pytestmark = pytest.mark.django_db


@pytest.fixture
def meanwhile(monkeypatch):
    """Does something between the reading of the row by its form and the writing."""

    def arrange(work, page=HubAdmin):
        save = page.save_model

        def later(*arguments):
            work()
            save(*arguments)

        monkeypatch.setattr(page, "save_model", later)

    return arrange


def test_days_changed_in_a_form_leave_how_far_the_removing_has_come(root, furnished, meanwhile):
    row = Retention.objects.create(tenant=furnished.tenant, days=30)
    far = {"cursor": {"events": "018f"}, "finished_at": timezone.now(), "removed": 12}
    meanwhile(lambda: Retention.objects.update(**far), RetentionAdmin)
    page = reverse("admin:orders_retention_change", args=(row.pk,))
    assert agreed(root, page, {"tenant": row.tenant_id, "days": "60"}).status_code == 302
    stored = Retention.objects.values("days", *far).get()
    assert stored == {"days": 60, **far}


def test_a_login_named_in_a_form_keeps_the_password_and_the_time_of_signing_in_that_were_set_meanwhile(root, meanwhile):
    sam = User.objects.create_user("sam", password="before", is_staff=True)
    at = timezone.now() + timedelta(minutes=1)
    meanwhile(lambda: User.objects.filter(pk=sam.pk).update(password="changed", last_login=at))
    counts = {f"staff_tenant-{name}_FORMS": 0 for name in ("TOTAL", "INITIAL")}
    given = {"username": "sam", "email": "sam@example.com", "is_active": "on", "is_staff": "on"}
    page = reverse("admin:auth_user_change", args=(sam.pk,))
    assert root.post(page, given | counts).status_code == 302
    stored = User.objects.get(pk=sam.pk)
    assert (stored.email, stored.password, stored.last_login) == ("sam@example.com", "changed", at)
