"""The side bar: first the daily pages, then every app's lists, each shown only to those who may open it."""

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
CUTOVER = (
    ("Differences", "compare_arrows", "orders_difference"),
    ("Ignored members", "visibility_off", "orders_ignoredmember"),
    ("Unknown members and words", "help", "orders_unknowncontent"),
)
RECORD = (
    ("Timeline entries", "timeline", "orders_timelineentry"),
    ("Operator actions", "how_to_reg", "orders_operatoraction"),
    ("Bulk retries", "published_with_changes", "orders_repairrun"),
)
PEOPLE = (
    ("Staff", "person", "auth_user"),
    ("Roles", "group", "auth_group"),
    ("Changes of logins", "manage_history", "orders_staffchange"),
)
NAMED = {name for group in (OPERATE, SET_UP, CUTOVER, RECORD, PEOPLE) for _, _, name in group}


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
        {"title": "Set up", "items": [*_items(SET_UP, pages), *_cutover(pages), *_items(CUTOVER, pages)]},
        *(_app_group(app) for app in apps),
        {"title": "On record", "items": [*changes, *_items(RECORD, pages)]},
        {"title": "People", "items": _items(PEOPLE, pages)},
    ]
    shown = [group | {"separator": bool(group["title"])} for group in groups if group["items"]]
    _mark_current(shown, request.path)
    return shown


def _mark_current(groups: list[dict[str, Any]], path: str) -> None:
    """Mark one item: the longest address that begins the page's. The theme would also mark Orders on Find an order."""
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


def _cutover(pages: dict[str, str]) -> list[dict[str, Any]]:
    if "orders_tenant" not in pages:
        return []
    return [{"title": "Cut-over", "icon": "sync_alt", "link": reverse("admin:orders_tenant_cutover_all")}]


def _app_group(app: dict[str, Any]) -> dict[str, Any]:
    """An app's lists that no other group names, folded away."""
    items = [
        {"title": str(model["name"]), "icon": "list", "link": model["admin_url"]}
        for model in app["models"]
        if f"{app['app_label']}_{model['object_name'].lower()}" not in NAMED
    ]
    return {"title": str(app["name"]), "collapsible": True, "items": items}
