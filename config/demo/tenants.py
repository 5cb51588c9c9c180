"""The demo tenants as an onboarding file: one that is read through, one that pushes orders."""

from __future__ import annotations

from typing import Any

from config.demo.partners import Partners

READ, WRITE = "customer-orders:read", "customer-orders:write"


def onboarding_file(partners: Partners, secrets: dict[str, str]) -> dict[str, Any]:
    return {"tenants": [_proxy(partners, secrets), _shop(partners, secrets)]}


def _proxy(partners: Partners, secrets: dict[str, str]) -> dict[str, Any]:
    return {
        "id": "demo-proxy",
        "name": "Demo Proxy",
        "mode": "proxy",
        "external_url": partners.oms.api_url,
        "proxy_auth": {
            "type": "basic",
            "config": {"username": partners.oms.username, "password": secrets["oms_password"]},
        },
        "api_clients": [
            {
                "client_id": "demo-proxy-till",
                "client_secret": secrets["till"],
                "scopes": [READ, "proxy-config:write"],
            }
        ],
    }


def _shop(partners: Partners, secrets: dict[str, str]) -> dict[str, Any]:
    return {
        "id": "demo-shop",
        "name": "Demo Shop",
        "mode": "events",
        "country": "dk",
        "time_zone": "Europe/Copenhagen",
        "api_clients": [
            {
                "client_id": "demo-shop-oms",
                "client_secret": secrets["oms"],
                "scopes": [READ, WRITE, "order-events:operate", "products:write"],
            }
        ],
        "suppliers": [
            {
                "id": "demo-beans",
                "name": "Demo Beans",
                "item_patterns": ["BEAN-*"],
                "api_client": {
                    "client_id": "demo-beans",
                    "client_secret": secrets["supplier"],
                    "scopes": ["supplier-orders:read", "events"],
                },
                "webhook": {"url": partners.supplier.hook_url, "signing_secret": secrets["signing"]},
            }
        ],
        "orderflow_channels": [
            {
                "id": "demo-main",
                "base_url": partners.warehouse.base_url,
                "channel": "DEMO",
                "auth": {"type": "headers", "username": "demo", "password": secrets["warehouse_password"]},
                "products": [
                    {"externalReference": "BEAN-1", "description": "Green beans", "weight": "100"},
                    {"externalReference": "MUG-1", "description": "Enamel mug", "weight": "240"},
                ],
            }
        ],
    }
