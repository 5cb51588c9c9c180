"""The side bar: every list once, where a person would look for it."""

import pytest

from orders.access.staff import SUPPORT, give_role

pytestmark = pytest.mark.django_db


def groups(client):
    """{title: its entries}"""
    return {
        str(group["title"]): [str(item["title"]) for item in group["items"]]
        for group in client.get("/admin/").context["sidebar_navigation"]
    }


def test_every_list_stands_in_one_place(root, furnished):
    entries = [item for items in groups(root).values() for item in items]
    assert len(entries) == len(set(entries))
    assert "Orders" not in groups(root)


def test_self_tests_stand_with_what_is_set_up_and_dead_letters_first(root, furnished):
    shown = groups(root)
    assert shown["Set up"][:3] == ["Tenants", "API clients", "Self-tests"]
    assert shown[""][:3] == ["Home", "Find an order", "Dead letters"]


def test_support_is_shown_no_lists_of_logins(client, furnished):
    client.force_login(give_role("sue", role=SUPPORT, password="pass-of-sue-1").user)
    assert "People" not in groups(client)
