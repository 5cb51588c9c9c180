"""docs/guides/adding-an-integration.md is built as it stands: the app, a tenant with it, an order through it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bodies import body

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "guides" / "adding-an-integration.md").read_text()
EMBEDDED = {"DATABASE_URL", "REDIS_URL", "HUB_SECRET_KEY", "HUB_ENCRYPTION_KEYS", "HUB_TEST_REDIS_URL"}
SEND = """
import json
from django.test import Client
from orders.inbox import applying
from orders.models import Delivery
from orders.outbox import dispatcher
client, form = Client(SERVER_NAME="localhost"), "application/x-www-form-urlencoded"
asked = f"grant_type=client_credentials&client_id=acme-oms&client_secret={SECRET}"
answered = client.post("/oauth2/token", asked, content_type=form)
assert answered.status_code == 200, answered.content
token = answered.json()["access_token"]
for price in ("1.50", "2.50"):
    answer = client.put("/api/v1/business-units/store-1/customer-orders/1001", BODIES[price],
                        content_type="application/json", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 202, answer.content
    while applying.drain():
        pass
dispatcher.deliver()
print("DELIVERIES", json.dumps(list(Delivery.objects.values_list("kind", "status"))))
"""


@pytest.fixture
def project(tmp_path):
    """The tracked files, with the app of the page added as the page says."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    tree = tmp_path / "project"
    for name in filter(None, listed.decode().split("\0")):
        if (ROOT / name).exists() and not name.startswith(("tests/", "docs/")):
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tree / name)
    files = re.findall(r"^`(filedrop/\w+\.py)`\n\n```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert [name for name, _ in files] == [f"filedrop/{n}.py" for n in ("apps", "models", "channel", "integration")]
    (tree / "filedrop").mkdir()
    for name, text in [("filedrop/__init__.py", ""), *files]:
        (tree / name).write_text(text)
    settings = tree / "config" / "settings.py"
    text = settings.read_text()
    for last, added in (
        ('    "orderflow",\n', '    "filedrop",\n'),
        ('    "orderflow.integration.OrderFlowIntegration",\n', '    "filedrop.integration.FileDropIntegration",\n'),
    ):
        assert text.count(last) == 1
        text = text.replace(last, last + added)
    settings.write_text(text)
    return tree


def manage(tree, *arguments):
    environ = {k: v for k, v in os.environ.items() if k not in EMBEDDED} | {
        "DATABASE_URL": f"sqlite:///{tree}/hub.sqlite3",
        "HUB_SECRET_KEY": "only-for-this-test-" * 4,
        "HUB_ENCRYPTION_KEYS": "1:" + "A" * 43 + "=",
    }
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, cwd=tree, env=environ, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_example_of_the_page_is_built_onboarded_and_gets_a_new_order_once(project, tmp_path):
    folder = tmp_path / "drop"
    folder.mkdir()
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    onboarding = tmp_path / "acme.yaml"
    onboarding.write_text(example.replace("FOLDER", str(folder)))
    assert "Create model FileDrop" in manage(project, "makemigrations", "filedrop")
    manage(project, "migrate")
    made = manage(project, "onboard", str(onboarding))
    assert "created    file drop acme/archive" in made
    secret = re.search(r"client_secret\W+(\S+)", made)[1]
    assert "unchanged  file drop acme/archive" in manage(project, "onboard", str(onboarding))
    bodies = {price: body("1001", price=price) for price in ("1.50", "2.50")}
    said = manage(project, "shell", "-c", f"SECRET = {secret!r}\nBODIES = {bodies!r}\n{SEND}")
    assert 'DELIVERIES [["order_file", "delivered"]]' in said
    (written,) = folder.iterdir()
    assert '"order": "1001"' in written.read_text()
