"""The example dashboard and alert rules name only metrics that the hub has, and pages of the runbook that exist."""

import json
import re
from pathlib import Path

import pytest
import yaml

from tests.api_fixtures import Api

GUIDES = Path(__file__).resolve().parents[1] / "docs" / "guides"
METRIC = re.compile(r"\borderhub_\w+")


@pytest.fixture
def metrics(furnished):
    text = Api().get("/metrics").content.decode()
    return set(METRIC.findall(text))


def expressions():
    rules = yaml.safe_load((GUIDES / "monitoring/alerts.yml").read_text())
    for group in rules["groups"]:
        yield from (rule["expr"] for rule in group["rules"])
    dashboard = json.loads((GUIDES / "monitoring/dashboard.json").read_text())
    for panel in dashboard["panels"]:
        yield from (target["expr"] for target in panel["targets"])


@pytest.mark.django_db
def test_every_metric_in_rules_and_dashboard_exists(metrics):
    named = {name for expr in expressions() for name in METRIC.findall(expr)}
    assert len(named) >= 5
    assert named <= metrics


@pytest.mark.django_db
def test_every_metric_of_the_hub_is_explained(metrics):
    explained = set(METRIC.findall((GUIDES / "monitoring/README.md").read_text()))
    assert metrics <= explained


def test_every_alert_names_the_next_step_and_a_page_of_the_runbook():
    rules = yaml.safe_load((GUIDES / "monitoring/alerts.yml").read_text())["groups"][0]["rules"]
    headings = set(re.findall(r"^#+ (.+)$", (GUIDES / "operations.md").read_text(), re.MULTILINE))
    for rule in rules:
        step = rule["annotations"]["next_step"]
        page = re.search(r"docs/guides/operations\.md, (.+)\.$", step)
        assert page, rule["alert"]
        assert page[1] in headings, page[1]
