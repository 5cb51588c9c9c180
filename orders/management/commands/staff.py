"""``manage.py staff NAME``: makes or changes a login, lets it in again. Everything goes on record."""

from __future__ import annotations

import os
from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from orders.access import staff
from orders.models import Tenant

PASSWORD_VARIABLE = "HUB_STAFF_PASSWORD"


class Command(BaseCommand):
    help = (
        "Make or change a staff login, lift its wait after wrong tries, reset its second step. The password comes from "
        f"{PASSWORD_VARIABLE}, else a made one is printed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("--role", choices=staff.ROLES, help="make the login, or give it this role and no other")
        parser.add_argument("--tenant", metavar="T", help="id of the tenant; with --role tenant-admin only")
        parser.add_argument("--unlock", action="store_true", help="lift the wait after too many wrong tries")
        parser.add_argument(
            "--reset-totp", action="store_true", help="take the authenticator app and its recovery codes away"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not (options["role"] or options["unlock"] or options["reset_totp"]):
            raise CommandError("Say what to do: --role, --unlock or --reset-totp.", returncode=2)
        if options["role"] or options["tenant"]:
            self._give_role(options)
        if options["unlock"] or options["reset_totp"]:
            self._let_in(_existing(options["name"]), options)

    def _give_role(self, options: dict[str, Any]) -> None:
        tenant = _tenant(options["role"], options["tenant"])
        password = os.environ.get(PASSWORD_VARIABLE, "")
        self._warn_of_weakness(options["name"], password)
        try:
            login = staff.give_role(options["name"], role=options["role"], tenant=tenant, password=password)
        except ValidationError as error:
            raise CommandError(f"The name {options['name']!r} cannot be used: {' '.join(error.messages)}") from None
        self._tell(login, options["role"], tenant)

    def _let_in(self, user: User, options: dict[str, Any]) -> None:
        name = user.username
        if options["unlock"]:
            lifted = staff.unlock(user, who=staff.operator())
            where = (
                f"it waited at {lifted} address{'' if lifted == 1 else 'es'}" if lifted else "it did not wait anywhere"
            )
            self.stdout.write(f"Login {name} may try again at once; {where}.")
        if options["reset_totp"] and staff.reset_second_step(user, who=staff.operator()):
            self.stdout.write(f"Login {name} signs in with its password alone until a second step is set up again.")
        elif options["reset_totp"]:
            self.stdout.write(f"Login {name} has no second step; nothing was changed.")

    def _tell(self, login: staff.Login, role: str, tenant: Tenant | None) -> None:
        done = "made" if login.created else "changed"
        of = f" of tenant {tenant.slug}" if tenant else ""
        self.stdout.write(f"Login {login.user.username} {done}: {role}{of}.")
        if login.made_password:
            self.stdout.write(f"Password, shown this once: {login.made_password}")
        elif login.password_set:
            self.stdout.write(f"Its password is the one in {PASSWORD_VARIABLE}.")
        else:
            self.stdout.write(f"Its password stays as it was; set {PASSWORD_VARIABLE} to give it a new one.")

    def _warn_of_weakness(self, name: str, password: str) -> None:
        if not password:
            return
        try:
            validate_password(password, User(username=name))
        except ValidationError as error:
            self.stderr.write(f"The password in {PASSWORD_VARIABLE} is weak: {' '.join(error.messages)}")


def _existing(name: str) -> User:
    user = User.objects.filter(username=name).first()
    if user is None:
        raise CommandError(f"There is no login {name!r}; make it with --role, or correct the name.")
    return user


def _tenant(role: str | None, slug: str | None) -> Tenant | None:
    if role != staff.TENANT_ADMIN:
        if slug is not None:
            raise CommandError("--tenant goes with --role tenant-admin only; leave it out.", returncode=2)
        return None
    if slug is None:
        raise CommandError("A tenant-admin needs --tenant with the tenant's id.", returncode=2)
    tenant = Tenant.objects.filter(slug=slug).first()
    if tenant is None:
        raise CommandError(f"There is no tenant {slug!r}; onboard it first, or correct the id.")
    return tenant
