"""An app of ours that is installed is under every rule of the project."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from django.conf import settings

from orders.integrations import integrations

ROOT = Path(__file__).resolve().parent.parent
OURS = sorted(name for name in settings.INSTALLED_APPS if (ROOT / name).is_dir())
LINTER = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]


def test_every_app_is_under_the_import_contracts():
    assert sorted(LINTER["root_packages"]) == OURS
    (composition,) = [one for one in LINTER["contracts"] if "config" in one.get("layers", ())]
    assert sorted(re.split(r" \| ", " | ".join(composition["layers"]))) == OURS


def test_every_package_of_the_core_has_a_floor_and_typing_imports_count():
    (floors,) = [one for one in LINTER["contracts"] if one.get("containers") == ["orders"]]
    assert floors["exhaustive"] is True
    assert floors["exhaustive_ignores"] == ["migrations", "simulators"]
    assert "exclude_type_checking_imports" not in LINTER


def test_at_the_root_of_the_core_stands_only_what_django_and_celery_look_for():
    modules = {path.stem for path in (ROOT / "orders").glob("*.py")} - {"__init__"}
    assert modules == {"apps", "urls", "tasks"}


def test_every_integration_is_an_installed_app():
    apps = [type(one).__module__.split(".")[0] for one in integrations()]
    assert sorted(apps) == sorted(set(OURS) - {"config", "orders"})
