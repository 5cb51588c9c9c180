"""The side bar: first what a person comes for, then every app's own lists, each only to those who may open it."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

OPERATE = (
    ("Orders", "shopping_cart", "orders_order"),
    ("Events", "inbox", "orders_orderevent"),
    ("Deliveries", "outbox", "orders_delivery"),
    ("Destinations", "hub", "orders_destination"),
    ("Incidents", "notifications_active", "orders_incident"),
)
SET_UP = (
    ("Tenants", "store", "orders_tenant"),
    ("API clients", "key", "orders_apiclient"),
    ("Self-tests", "fact_check", "orders_selftest"),
    ("Alerts", "notifications", "orders_alertrule"),
    ("Retention", "auto_delete", "orders_retention"),
)
MOVING = (
    ("Differences", "compare_arrows", "orders_difference"),
    ("Ignored members", "visibility_off", "orders_ignoredmember"),
)
RECORD = (
    ("Timeline entries", "timeline", "orders_timelineentry"),
    ("What people did", "how_to_reg", "orders_operatoraction"),
    ("Runs over dead letters", "published_with_changes", "orders_repairrun"),
)
PEOPLE = (
    ("Staff", "person", "auth_user"),
    ("Roles", "group", "auth_group"),
    ("Changes of logins", "manage_history", "orders_staffchange"),
)
NAMED = {name for group in (OPERATE, SET_UP, MOVING, RECORD, PEOPLE) for _, _, name in group}


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """unfold's ``SIDEBAR["navigation"]``."""
    apps = admin.site.get_app_list(request)
    pages = {f"{app['app_label']}_{m['object_name'].lower()}": m["admin_url"] for app in apps for m in app["models"]}
    first = [{"title": "Home", "icon": "home", "link": reverse("admin:index")}]
    if "orders_order" in pages:
        first.append({"title": "Find an order", "icon": "search", "link": reverse("admin:orders_order_find")})
    if "orders_repairrun" in pages:
        first.append({"title": "Dead letters", "icon": "report", "link": reverse("admin:orders_repairrun_dead")})
    changes = [{"title": "Who changed what", "icon": "difference", "link": reverse("changes")}]
    groups = [
        {"title": "", "items": [*first, *_items(OPERATE, pages)]},
        {"title": "Set up", "items": [*_items(SET_UP, pages), *_moving(pages), *_items(MOVING, pages)]},
        *(_app_group(app) for app in apps),
        {"title": "On record", "items": [*changes, *_items(RECORD, pages)]},
        {"title": "People", "items": _items(PEOPLE, pages)},
    ]
    shown = [group | {"separator": bool(group["title"])} for group in groups if group["items"]]
    _mark_where_one_is(shown, request.path)
    return shown


def _mark_where_one_is(groups: list[dict[str, Any]], path: str) -> None:
    """One item: the one whose address is most of the page's. The theme would mark Orders beside Find an order."""
    items = [item for group in groups for item in group["items"]]
    above = [item["link"] for item in items if path.startswith(item["link"])]
    here = path if path == reverse("admin:index") else max(above, key=len, default="")
    for item in items:
        item["active"] = partial(_is, item["link"] == here)


def _is(so: bool, request: HttpRequest) -> bool:
    return so


def account(request: HttpRequest) -> list[dict[str, Any]]:
    """unfold's ``ACCOUNT["navigation"]``: the login's own pages."""
    return [
        {"title": "Change password", "link": reverse("admin:password_change")},
        {"title": "Second step (authenticator app)", "link": reverse("second_step_set_up")},
    ]


def _items(wanted: tuple[tuple[str, str, str], ...], pages: dict[str, str]) -> list[dict[str, Any]]:
    return [{"title": title, "icon": icon, "link": pages[name]} for title, icon, name in wanted if name in pages]


def _moving(pages: dict[str, str]) -> list[dict[str, Any]]:
    if "orders_tenant" not in pages:
        return []
    return [{"title": "Moving tenants", "icon": "moving", "link": reverse("admin:orders_tenant_moving_all")}]


def _app_group(app: dict[str, Any]) -> dict[str, Any]:
    """An app's lists that no other group names, folded away."""
    items = [
        {"title": str(model["name"]), "icon": "list", "link": model["admin_url"]}
        for model in app["models"]
        if f"{app['app_label']}_{model['object_name'].lower()}" not in NAMED
    ]
    return {"title": str(app["name"]), "collapsible": True, "items": items}
