import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test import TransactionTestCase

from orders.models import Tenant
from tests.emptying import empty_or_flush, made, tables_with_rows

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both]


def permissions_of_roles():
    return set(Group.objects.values_list("name", "permissions__content_type__model", "permissions__codename"))


def test_nothing_is_left_but_what_post_migrate_made():
    before = made(connection)
    assert all(before)
    Tenant.objects.create(slug="acme", name="Acme", mode="events")
    User.objects.create_user("maria").groups.add(Group.objects.first())
    empty_or_flush(TransactionTestCase("__init__"))
    with connection.cursor() as cursor:
        assert tables_with_rows(connection, cursor) == []
    assert made(connection) == before


@pytest.mark.parametrize("model", [Group, Permission])
def test_a_role_or_permission_that_a_test_took_away_is_made_again(model):
    before = permissions_of_roles()
    model.objects.all().delete()
    empty_or_flush(TransactionTestCase("__init__"))
    assert permissions_of_roles() == before
