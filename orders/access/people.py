"""Staff: who they are on the command line, their logins and roles.

A role is a group. *operator* sees everything and steers it: changes settings, and on the rows that the hub writes the
``change`` permission means their verbs. *support* sees everything; *tenant-admin* sees its own tenant's. Nobody sees
sealed secrets, nobody but a superuser deletes or makes logins.
"""

from __future__ import annotations

import getpass
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission, User
from django.db import transaction
from django.db.models import Model

from orders.models import Secret, StaffTenant, Tenant

SUPERUSER, OPERATOR, SUPPORT, TENANT_ADMIN = "superuser", "operator", "support", "tenant-admin"
ROLES = (SUPERUSER, OPERATOR, SUPPORT, TENANT_ADMIN)
APPS = ("orders", "proxy", "suppliers", "orderflow")
"""Whose rows staff work with; an app that is not installed is passed over."""

PASSWORD_BYTES = 15
"""120 bits of randomness, 20 characters to type."""


@dataclass(frozen=True, slots=True)
class Login:
    user: User
    created: bool
    made_password: str | None = field(default=None, repr=False)
    """The generated password, to be shown once."""
    password_set: bool = False


def operator() -> str:
    """Who runs a command, for the history and the record of operator actions."""
    try:
        return f"{getpass.getuser()} on the command line"
    except (OSError, KeyError):
        return "the command line"


@transaction.atomic
def give_role(name: str, *, role: str, tenant: Tenant | None = None, password: str | None = None) -> Login:
    """Make the login, or give an existing one this role and no other.

    Without ``password`` an existing one is kept; a new login, or one that has none, gets a made one. Raises
    ValidationError for a name that Django does not take.
    """
    ensure_roles()
    user = User.objects.select_for_update().filter(username=name).first()
    created = user is None
    user = user or User(username=name)
    lacking = not password and (created or not user.has_usable_password())
    made = secrets.token_urlsafe(PASSWORD_BYTES) if lacking else None
    if password or made:
        user.set_password(password or made)
    user.is_staff = user.is_active = True
    user.is_superuser = role == SUPERUSER
    user.full_clean(exclude=["password"])
    user.save()
    user.groups.set(Group.objects.filter(name=role))
    _bind(user, tenant)
    return Login(user, created, made, password_set=bool(password))


def _bind(user: User, tenant: Tenant | None) -> None:
    if tenant is None:
        StaffTenant.objects.filter(user=user).delete()
    else:
        StaffTenant.objects.update_or_create(user=user, defaults={"tenant": tenant})


def ensure_roles() -> None:
    """The groups with the permissions of every model there is by now, those of newer apps too. Takes none away."""
    for app in filter(apps.is_installed, APPS):
        create_permissions(apps.get_app_config(app), verbosity=0)
    permissions = {
        (one.content_type.app_label, one.codename): one
        for one in Permission.objects.filter(content_type__app_label__in=APPS).select_related("content_type")
    }
    for role in (OPERATOR, SUPPORT, TENANT_ADMIN):
        group, _ = Group.objects.get_or_create(name=role)
        wanted = (permissions.get(granted) for model in _models() for granted in _granted(model, role))
        group.permissions.add(*(permission for permission in wanted if permission is not None))


def _models() -> Iterator[type[Model]]:
    for app in filter(apps.is_installed, APPS):
        yield from (model for model in apps.get_app_config(app).get_models() if model is not Secret)


def _granted(model: type[Model], role: str) -> Iterator[tuple[str, str]]:
    """(app, codename) of what the role may do with the model."""
    label, name = model._meta.app_label, str(model._meta.model_name)
    yield label, f"view_{name}"
    if role == OPERATOR and not name.startswith("historical"):
        yield label, f"change_{name}"
        if hasattr(model, "history"):
            yield label, f"add_{name}"
