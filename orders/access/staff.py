"""Staff: who they are on the command line, their logins and roles.

A role is a group, made by a migration, kept exactly so after every migration and by ``manage.py staff``.

                                operator         support          tenant-admin       superuser
    whose rows                  all tenants'     all tenants'     its own tenant's   all tenants'
    orders, events, deliveries,
    destinations, timeline      sees             sees, personal   sees               sees
                                                 data masked
    verbs: retry, discard,
    pause, resume, probe, send  uses             -                -                  uses
    settings: tenants, clients,
    suppliers, channels …       makes, changes   sees             sees               makes, changes
    history of settings         sees             sees             its own            sees
    logins, roles               -                -                -                  makes, changes, deletes

On the rows that the hub writes, the ``change`` permission means their verbs. Sealed secrets are shown to nobody; nobody
deletes settings or evidence. An operator or support login may be bound to a tenant too; it then sees that tenant only.
"""

from __future__ import annotations

import getpass
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.apps import apps
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission, User
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Model
from django.utils import timezone

from orders.access import second_step, sign_ins
from orders.models import SecondStep, Secret, SignInTries, StaffChange, StaffTenant, Tenant

SUPERUSER, OPERATOR, SUPPORT, TENANT_ADMIN = "superuser", "operator", "support", "tenant-admin"
ROLES = (SUPERUSER, OPERATOR, SUPPORT, TENANT_ADMIN)
GROUPS = (OPERATOR, SUPPORT, TENANT_ADMIN)
"""The roles that are groups; they are what this module says, so nobody edits them."""
APPS = ("orders", "proxy", "suppliers", "orderflow")
"""Whose rows staff work with; an app that is not installed is passed over."""
PRIVATE = (Secret, SecondStep, SignInTries, StaffChange, StaffTenant)
"""Of these no role sees anything."""

PERSONAL_DATA = ("orders", "view_personal_data")
"""Customers' names, addresses and the like in clear: not for support."""

GIVEN_WITH_A_ROLE = ("password", "is_staff", "is_active", "is_superuser")
"""Columns of a login; the others are written by its owner and by signing in."""
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
def give_role(
    name: str, *, role: str, tenant: Tenant | None = None, password: str | None = None, who: str = ""
) -> Login:
    """Make the login, or give an existing one this role and no other; its sessions end where the role changed.

    Without ``password`` an existing one is kept; a new login, or one that has none, gets a made one. Raises
    ValidationError for a name that Django does not take.
    """
    ensure_roles()
    user = User.objects.select_for_update().filter(username=name).first()
    created = user is None
    before = "" if user is None else describe(user)
    user = user or User(username=name)
    lacking = not password and (created or not user.has_usable_password())
    made = secrets.token_urlsafe(PASSWORD_BYTES) if lacking else None
    if password or made:
        user.set_password(password or made)
    user.is_staff = user.is_active = True
    user.is_superuser = role == SUPERUSER
    user.full_clean(exclude=["password"])
    user.save(update_fields=None if created else GIVEN_WITH_A_ROLE)
    user.groups.set(Group.objects.filter(name=role))
    _bind(user, tenant)
    user = User.objects.get(pk=user.pk)
    note_changes(user, before=before, new_password=bool(password or made) and not created, who=who or operator())
    return Login(user, created, made, password_set=bool(password))


def _bind(user: User, tenant: Tenant | None) -> None:
    if tenant is None:
        StaffTenant.objects.filter(user=user).delete()
    else:
        StaffTenant.objects.update_or_create(user=user, defaults={"tenant": tenant})


def describe(user: User) -> str:
    """What a login may do, in words: ``tenant-admin of acme``."""
    if not (user.is_active and user.is_staff):
        return "switched off"
    roles = [SUPERUSER] if user.is_superuser else sorted(user.groups.values_list("name", flat=True))
    more = user.user_permissions.count()
    bound = StaffTenant.objects.filter(user=user).values_list("tenant__slug", flat=True).first()
    words = " and ".join(roles) or "no role"
    return words + (f" with {more} more permissions" if more else "") + (f" of {bound}" if bound else "")


def note_changes(user: User, *, before: str, new_password: bool, who: str) -> None:
    """Put on record what became of a login that ``describe`` gave as ``before`` ('' : there was none).

    A login that may now do something else is signed out everywhere. (A new password does that by itself.)
    """
    now = describe(user)
    if not before:
        record(user.username, "made", who=who, detail=now)
    elif before != now:
        record(user.username, "role changed", who=who, detail=f"{before} → {now}")
        end_sessions(user)
    if new_password:
        record(user.username, "password set", who=who)


def record(login: str, what: str, *, who: str, detail: str = "") -> None:
    StaffChange.objects.create(login=login, what=what, who=who, detail=detail)


@transaction.atomic
def unlock(user: User, *, who: str) -> int:
    """Lift the wait after wrong tries to sign in; returns at how many addresses there was one."""
    lifted = sign_ins.unlock(user.username)
    record(user.username, "unlocked", who=who, detail=f"waited at {lifted} addresses")
    return lifted


@transaction.atomic
def reset_second_step(user: User, *, who: str) -> bool:
    """Take away the authenticator app and the recovery codes, and sign out everywhere. False where there was none."""
    was_on = second_step.switch_off(user)
    if was_on:
        record(user.username, "second step reset", who=who)
        end_sessions(user)
    return was_on


def end_sessions(user: User) -> int:
    """Sign the login out everywhere; returns how many sessions ended. There are as many as people at work."""
    ended = 0
    for session in Session.objects.filter(expire_date__gt=timezone.now()).iterator():
        if session.get_decoded().get(SESSION_KEY) == str(user.pk):
            session.delete()
            ended += 1
    return ended


def ensure_roles() -> None:
    """The groups, with exactly the permissions of the table above on the models there are by now."""
    for app in filter(apps.is_installed, APPS):
        create_permissions(apps.get_app_config(app), verbosity=0)
    permissions = {
        (one.content_type.app_label, one.codename): one.pk
        for one in Permission.objects.filter(content_type__app_label__in=APPS).select_related("content_type")
    }
    for role in GROUPS:
        group, _ = Group.objects.get_or_create(name=role)
        wanted = [granted for model in _models() for granted in _granted(model, role)]
        wanted += [PERSONAL_DATA] if role != SUPPORT else []
        group.permissions.set(permissions[granted] for granted in wanted if granted in permissions)


def _models() -> Iterator[type[Model]]:
    for app in filter(apps.is_installed, APPS):
        yield from (model for model in apps.get_app_config(app).get_models() if model not in PRIVATE)


def _granted(model: type[Model], role: str) -> Iterator[tuple[str, str]]:
    """(app, codename) of what the role may do with the model."""
    label, name = model._meta.app_label, str(model._meta.model_name)
    yield label, f"view_{name}"
    if role == OPERATOR and not name.startswith("historical"):
        yield label, f"change_{name}"
        if hasattr(model, "history"):
            yield label, f"add_{name}"
