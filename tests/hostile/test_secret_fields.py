"""Every place for a secret has a planted canary: what code and models have is held against the planted."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import re
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.auth.hashers import identify_hasher
from django.contrib.sessions.models import Session
from django.db.models import BinaryField, CharField, JSONField, TextField

from config.env import Env
from orders.access import sealing, second_step
from orders.models import SecondStep, Secret
from tests.hostile.secret_scene import OWN_VARIABLES
from tests.hostile.test_secrets import add_channel, add_supplier, logged, scene, tenant  # noqa: F401

ROOT = Path(__file__).resolve().parents[2]
APPS = ("orders", "proxy", "suppliers", "orderflow", "config")
SEALING = {
    "orders.access.sealing": "the rows of Secret",
    "orders.access.second_step": "the rows of SecondStep",
    "orders.outgoing.partner_tokens": "partners' tokens in the shared cache",
    "orders.admin.confirmation": "a form that waits for its confirmation, in the confirmation page",
    "orders.admin.onboarding.files": "an uploaded file on its way from preview to apply, in the page's form",
}
"""Who seals bytes; each is planted by tests.hostile.secret_scene."""

SECRET_COLUMNS = {
    "auth.User.password",
    "oauth2_provider.AccessToken.token",
    "oauth2_provider.AccessToken.token_checksum",
    "orders.ApiClient.client_secret",
    "orders.ApiClient.previous_client_secret",
    "orders.SecondStep.recovery_codes",
    "orders.SecondStep.sealed",
    "orders.Secret.sealed",
    "sessions.Session.session_key",
}
NO_SECRETS = {
    "oauth2_provider.RefreshToken.token": "client credentials have no refresh token",
    "oauth2_provider.RefreshToken.token_checksum": "client credentials have no refresh token",
    "orders.LoadRequest.answer": "fates of the orders of a load, for a repeat of the request",
}
NAMED_SO = re.compile(r"secret(?!_until)|password|token|sealed|session_key|recovery_codes|credential|private|bearer")


def calls(name):
    """Modules of the hub that call a function of this name."""
    for path in (path for app in APPS for path in sorted((ROOT / app).rglob("*.py"))):
        if any(isinstance(node, ast.Call) and _called(node) == name for node in ast.walk(ast.parse(path.read_text()))):
            yield ".".join(path.relative_to(ROOT).with_suffix("").parts)


def _called(node):
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def kinds():
    """Every text constant of a module that stores sealed secrets is the name of a kind."""
    for module in set(calls("store_secret")):
        for name, value in vars(importlib.import_module(module)).items():
            if name.isupper() and isinstance(value, str):
                yield value


def columns():
    """Columns that may hold a secret, by their name or because they are bytes."""
    for model in apps.get_models(include_auto_created=True):
        for field in model._meta.concrete_fields:
            holds_text = isinstance(field, CharField | TextField | JSONField)
            if isinstance(field, BinaryField) or (holds_text and NAMED_SO.search(field.name)):
                yield f"{model._meta.label}.{field.name}"


def test_every_module_that_seals_is_known():
    assert set(calls("seal_bytes")) == set(SEALING)


def test_every_column_that_may_hold_a_secret_is_planted_or_said_to_hold_none():
    assert set(columns()) == SECRET_COLUMNS | set(NO_SECRETS)


def test_every_variable_with_a_secret_is_named_as_one():
    """Those are planted by tests.hostile.test_secrets_processes."""
    secret = {"database_url", "redis_url", "email_url"} | {
        field.name for field in dataclasses.fields(Env) if re.search(r"secret|key|token|password", field.name)
    }
    names = {name.removeprefix("HUB_").lower() for name in OWN_VARIABLES}
    assert secret == names - {"staff_password"}


@pytest.mark.both
@pytest.mark.django_db(transaction=True)
def test_a_canary_is_planted_in_every_one_of_them(scene):
    stored = Secret.objects.all()
    assert {row.kind for row in stored} == set(kinds())
    assert [row.kind for row in stored if not scene.found_in(sealing.open_row(row).encode())] == []
    assert [row.user for row in SecondStep.objects.all() if not scene.found_in(second_step.key_of(row))] == []
    for column in SECRET_COLUMNS - {"oauth2_provider.AccessToken.token"}:
        label, _, name = column.rpartition(".")
        assert [value for value in apps.get_model(label)._default_manager.values_list(name, flat=True) if value], column


@pytest.mark.both
@pytest.mark.django_db(transaction=True)
def test_what_only_has_to_be_recognised_is_kept_as_a_digest(scene):
    from oauth2_provider.models import AccessToken

    assert set(AccessToken.objects.values_list("token", flat=True)) == {""}
    for column in ("auth.User.password", "orders.ApiClient.client_secret", "orders.ApiClient.previous_client_secret"):
        label, _, name = column.rpartition(".")
        for value in filter(None, apps.get_model(label)._default_manager.values_list(name, flat=True)):
            assert identify_hasher(value).algorithm in ("pbkdf2_sha256", "client_secret")
    (step,) = SecondStep.objects.all()
    assert {identify_hasher(code).algorithm for code in step.recovery_codes} == {"client_secret"}
    keys = set(Session.objects.values_list("session_key", flat=True))
    assert keys.isdisjoint({client.cookies["session"].value for client in scene.staff.values()})
