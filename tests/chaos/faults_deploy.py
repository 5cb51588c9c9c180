"""A deploy in the middle of the load: the next version's migration first, then its processes, then back again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.chaos.faults import Scene, fault
from tests.chaos.hub import web_server
from tests.chaos.kept import START_SECONDS, Kept
from tests.processes import ROOT, free_port, wait_until

LEFT_OUT = shutil.ignore_patterns(".git", ".venv*", ".*_cache", "var", "__pycache__", "docs", "node_modules")
MIGRATION = """
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = {dependencies}
    operations = [
        migrations.AddField("order", "next_note", models.TextField(null=True)),
        migrations.AddField("orderevent", "next_number", models.IntegerField(db_default=0)),
        migrations.AddField("orderqueue", "next_note", models.TextField(null=True)),
        migrations.CreateModel("NextThing", [("id", models.BigAutoField(primary_key=True))]),
        AddIndexConcurrently("orderevent", models.Index(fields=["next_number"], name="next_number")),
    ]
"""
"""What the next version may do to the tables by the rule of tests/test_migration_rules.py."""


@fault("deploy-with-migration", seconds=4.0, refuses=False, balanced=True)
def deploy_and_go_back(scene: Scene) -> None:
    """The next version's migration applied; the old code goes on on the new schema and is started on it; the next
    version takes over behind a balancer; then back to the old. No PUT may be refused."""
    hub, version = scene.hub, _next_version(scene.stack.folder / "next-version")
    environ = dict(scene.stack.environ)
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "-v0"], cwd=version, env=environ, check=True, timeout=2 * START_SECONDS
    )
    hub.workers[0].kill_both()
    scene.lasts()
    port = free_port()
    new = web_server(scene.stack, port, scene.stack.folder / "web-next", more={}, folder=version)
    try:
        new.started.wait_for_status(f"http://127.0.0.1:{port}/readyz", seconds=START_SECONDS)
        _balance(scene, port)
        _move([*hub.workers, *hub.schedulers], version)
        hub.web.renew()
        hub.web.started.wait_for_status(f"http://127.0.0.1:{hub.port}/readyz", seconds=START_SECONDS)
        _balance(scene, hub.port)
        _move([*hub.workers, *hub.schedulers], ROOT)
    finally:
        _balance(scene, hub.port)
        new.end()


def _next_version(folder: Path) -> Path:
    if not folder.exists():
        shutil.copytree(ROOT, folder, ignore=LEFT_OUT, symlinks=True)
        names = sorted(path.stem for path in (ROOT / "orders/migrations").glob("[0-9]*.py"))
        made = MIGRATION.format(dependencies=[("orders", names[-1])])
        (folder / "orders/migrations/9999_what_the_next_version_adds.py").write_text(made)
    assert os.access(folder / "manage.py", os.R_OK)
    return folder


def _balance(scene: Scene, port: int) -> None:
    """New connections to ``port``; the others are left to end."""
    others = [target for target in scene.front.open if target != port]
    scene.front.target = port
    wait_until(lambda: not any(scene.front.open[other] for other in others), seconds=START_SECONDS)


def _move(kept: list[Kept], folder: Path) -> None:
    """One after another ends and is started again from another version."""
    for each in kept:
        each.folder = folder
        each.renew()
