import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse

from orders.models import ApiClient, Destination, Secret
from suppliers.models import Notice, Supplier, SupplierEvent, SupplierPart
from suppliers.webhooks import webhook_secrets
from tests.admin_fixtures import agreed
from tests.suppliers.conftest import order
from tests.suppliers.test_onboarding import BEANS, CLIENT, onboard

pytestmark = pytest.mark.django_db
MODELS = ["supplier", "webhook", "supplierpart", "notice", "supplierevent", "stocklevel", "ordercase"]


@pytest.fixture
def staff(client):
    client.force_login(get_user_model().objects.create_superuser("ops", password="x"))
    return client


@pytest.fixture
def notified(book, add_supplier):
    supplier = add_supplier("beans", ["*"], auth_type="basic", auth_config={"username": "hub"})
    webhook_secrets.set_auth_secret(supplier.webhook, "canary-password")
    book.apply(order("A"))
    return supplier


@pytest.mark.parametrize("model", MODELS)
def test_every_list_opens_and_can_be_searched(staff, notified, model):
    path = reverse(f"admin:suppliers_{model}_changelist")
    assert staff.get(path).status_code == 200
    for text in ("1001", str(SupplierPart.objects.get().order_token), "it's"):
        assert staff.get(path, {"q": text}).status_code == 200


def test_evidence_is_read_only_and_secrets_are_not_shown(staff, notified):
    for model, pk in (
        ("supplierpart", SupplierPart.objects.get().pk),
        ("notice", Notice.objects.get().pk),
        ("webhook", notified.webhook.pk),
    ):
        path = reverse(f"admin:suppliers_{model}_change", args=[pk])
        page = staff.get(path)
        assert page.status_code == 200
        assert b"canary-password" not in page.content
        assert b"whsec_" not in page.content
        assert staff.post(path, {}).status_code == 403
        assert staff.get(reverse(f"admin:suppliers_{model}_add")).status_code == 403
    assert Secret.objects.count() == 2
    assert SupplierEvent.objects.count() == 0


def test_a_suppliers_patterns_are_checked(staff, notified):
    path = reverse("admin:suppliers_supplier_change", args=[notified.pk])
    form = {"name": "Beans", "position": "0", "item_patterns": "OK-*\r\nGOOD-?", "active": "on"}
    assert staff.post(path, form | {"item_patterns": '["*"]'}).status_code == 200
    notified.refresh_from_db()
    assert notified.item_patterns == ["*"]
    assert agreed(staff, path, form).status_code == 302
    notified.refresh_from_db()
    assert (notified.item_patterns, notified.slug) == (["OK-*", "GOOD-?"], "beans")


def test_a_supplier_switched_off_on_its_page_is_off_everywhere(staff, tenant):
    onboard(tenant, BEANS)
    supplier = Supplier.objects.get()
    path = reverse("admin:suppliers_supplier_change", args=[supplier.pk])
    form = {"name": supplier.name, "position": supplier.position, "item_patterns": "*"}
    for ticked, active in (({}, False), ({"active": "on"}, True)):
        assert agreed(staff, path, form | ticked).status_code == 302
        state = (Supplier.objects.get().active, ApiClient.objects.get().active, Destination.objects.get().active)
        assert state == (active, active, active)
    assert ApiClient.objects.get().client_id == CLIENT["client_id"]


def test_a_new_position_moves_a_supplier_before_the_one_that_held_it(staff, tenant):
    onboard(tenant, *({"id": name, "name": name, "item_patterns": ["*"]} for name in ("a", "b", "c")))
    path = reverse("admin:suppliers_supplier_change", args=[Supplier.objects.get(slug="c").pk])
    form = {"name": "c", "position": "0", "item_patterns": "*", "active": "on"}
    assert agreed(staff, path, form).status_code == 302
    assert list(Supplier.objects.order_by("position").values_list("slug", flat=True)) == ["c", "a", "b"]
