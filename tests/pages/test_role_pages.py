"""What each role meets in a real Chromium: the same pages, with the buttons and rows that are theirs."""

import pytest
from django.contrib.auth.models import User

from orders.access.staff import OPERATOR, SUPPORT, TENANT_ADMIN, give_role
from orders.models import Destination, Tenant
from tests.browser import sign_in
from tests.pages.test_console import ARTEFACTS, Console

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ACTS, LOOKS, NOTHING = "acts", "looks", "nothing"
#           what it does with acme's rows, whether it sees other tenants, whether it manages logins
ROLES = {
    "operator": (ACTS, True, False),
    "support": (LOOKS, True, False),
    "own-tenant-admin": (LOOKS, False, False),
    "others-tenant-admin": (NOTHING, False, False),
    "superuser": (ACTS, True, True),
    "no-role": (NOTHING, False, False),
}


def make(role, acme, bolt):
    kinds = {
        "operator": (OPERATOR, None), "support": (SUPPORT, None), "own-tenant-admin": (TENANT_ADMIN, acme),
        "others-tenant-admin": (TENANT_ADMIN, bolt),
    }  # fmt: skip
    if role in kinds:
        kind, tenant = kinds[role]
        give_role(role, role=kind, tenant=tenant, password="pass-of-them-1")
    elif role == "superuser":
        User.objects.create_superuser(role, password="pass-of-them-1")
    else:
        User.objects.create_user(role, password="pass-of-them-1", is_staff=True)


@pytest.mark.parametrize("role", ROLES)
def test_the_same_pages_show_each_role_what_is_its_own(role, page, live_server, furnished):
    does, sees_others, manages = ROLES[role]
    bolt = Tenant.objects.create(slug="bolt", name="Bolt Bikes", mode="events")
    Destination.objects.create(tenant=bolt, channel="supplier", name="bolts")
    make(role, furnished.tenant, bolt)
    page.set_viewport_size({"width": 1440, "height": 900})
    person = Console(page, live_server.url)
    page.goto(live_server.url + "/admin/orders/order/")
    assert page.locator("input[name=password]").is_visible()
    sign_in(page, role, "pass-of-them-1")
    destination = f"/admin/orders/destination/{furnished.beans.pk}/change/"

    page.goto(live_server.url + "/admin/", wait_until="networkidle")
    person.picture(f"role-{role}-home")
    words = page.locator("body").inner_text()
    assert ("Bolt Bikes" in words) == (sees_others or role == "others-tenant-admin")
    assert ("Acme Retail" in words) == (does != NOTHING)
    assert (page.locator("a[href='/admin/auth/user/']").count() > 0) == manages
    page.goto(live_server.url + destination, wait_until="networkidle")
    person.picture(f"role-{role}-destination")
    assert (page.get_by_text("Last tries").count() > 0) == (does != NOTHING)
    assert (page.get_by_role("link", name="Pause it").count() > 0) == (does == ACTS)
    page.goto(live_server.url + "/admin/orders/repairrun/dead/", wait_until="networkidle")
    person.picture(f"role-{role}-dead-letters")
    assert ("fault injection" in page.locator("body").inner_text()) == (does != NOTHING)
    assert (ARTEFACTS / f"role-{role}-dead-letters.png").exists()
    if does != NOTHING:
        page.locator(".hub-table a.hub-link", has_text="fault injection").first.click()
        page.wait_for_load_state("networkidle")
        assert (page.get_by_role("button", name="Discard all").count() > 0) == (does == ACTS)
