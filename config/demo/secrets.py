"""The demo's secrets, made at first start and kept in ``var/`` so that the next start uses the same ones."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from orders.outgoing.signing import make_secret

NAMES = ("till", "oms", "supplier", "oms_password", "oms_client", "warehouse_password")


def demo_secrets(var_dir: Path) -> dict[str, str]:
    """Name -> secret; only the owner may read the file."""
    path = var_dir / "demo.json"
    kept: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    made = {name: secrets.token_urlsafe(32) for name in NAMES} | {"signing": make_secret()} | kept
    if made != kept:
        draft = path.with_suffix(".draft")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(made, file)
        draft.replace(path)
    return made
