"""A canary in every place that holds a secret, partners that repeat what they are sent, and a day's work with both."""

from __future__ import annotations

import base64
import contextlib
import io
import socket
import threading
import time
from functools import cache
from urllib.parse import quote

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from orders.access import second_step, staff
from orders.access.clients import ClientEntry, rotate_secret, save_client
from orders.integrations.onboarding_faults import FileRefused
from orders.models import AlertMessage, AlertRule, ApiClient, Incident, Tenant
from orders.monitoring.alerting import messages
from orders.onboarding.files import apply_file
from orders.onboarding.self_test.running import self_test
from orders.outbox import dispatcher
from proxy import credentials
from proxy.models import ProxyConfig
from suppliers.models import Webhook
from suppliers.webhooks import webhook_secrets
from tests.api_fixtures import Api
from tests.orders.wire_server import answer
from tests.suppliers.conftest import order
from tests.suppliers.test_end_to_end import put, work

OWN_VARIABLES = {
    "DATABASE_URL", "REDIS_URL", "HUB_SECRET_KEY", "HUB_ENCRYPTION_KEYS", "HUB_METRICS_TOKEN", "HUB_EMAIL_URL",
    "HUB_STAFF_PASSWORD",
}  # fmt: skip
"""The environment variables that hold the hub's own secrets."""
MARK = b"Kanari3"
CANARY = "Kanari3/~+ög"
"""With what URLs, HTML, JSON, base64 and JSON pointers write differently."""
PARTNERS_TOKEN = "Kanari3.token.of.a.partner"
ORDERS = "/api/v1/business-units/store-1/customer-orders"
FORM = "application/x-www-form-urlencoded"
PRIVATE_KEY = "-----BEGIN PRIVATE KEY-----\nKanari3MIIEvQIBADANBgkqhkiG9w0BAQ\n-----END PRIVATE KEY-----"


def canary(name):
    return f"{CANARY}-{name}"


def plain(name):
    """For what is ASCII: secrets of API clients are 32 characters or more."""
    return f"Kanari3/~+-{name}-" + "x" * 32


def signing_canary(name):
    return "whsec_" + base64.b64encode(f"Kanari3-{name}".encode().ljust(32, b".")).decode()


def spellings(secret: bytes) -> set[bytes]:
    """As it is, percent-encoded, in hex, and inside base64 at any of its three places."""
    written = {secret, secret.lower(), quote(secret).encode(), secret.hex().encode()}
    for shift, first in ((0, 0), (1, 2), (2, 3)):
        whole = (shift + len(secret)) * 8 // 6
        coded = base64.b64encode(b"\0" * shift + secret)[first:whole]
        written |= {coded, coded.translate(bytes.maketrans(b"+/", b"-_"))}
    return written


_known = cache(spellings)


def echo(connection, request):
    """500, and all that came, in headers and body."""
    lines = request.split(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    head = b"".join(b"X-Seen: " + line + b"\r\n" for line in lines if b":" in line)
    body = answer(request, status="500 Sorry", headers="Content-Type: application/json\r\n")
    connection.sendall(body.replace(b"\r\n", b"\r\n" + head, 1))


def refusing(connection, request):
    """The login is refused with all that came: as text, which is what people see of it."""
    connection.sendall(answer(request, status="401 No", headers="Content-Type: text/plain\r\n"))


def tokens(connection, _request):
    connection.sendall(answer(b'{"access_token": "%s", "token_type": "bearer"}' % PARTNERS_TOKEN.encode()))


@contextlib.contextmanager
def mail_server():
    """Refuses every login and repeats it."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, connection.makefile("rb") as lines:
                    connection.sendall(b"220 mail.example\r\n")
                    for line in lines:
                        greeting = line.upper().startswith(b"EHLO")
                        said = b"250-mail.example\r\n250 AUTH PLAIN" if greeting else b"535 no: " + line.strip()
                        connection.sendall(said + b"\r\n")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


class Scene:
    """``canaries``: what was planted or made, by name; ``kinds``: which sealed kinds and fields have one."""

    def __init__(self, tenant, add_supplier, add_channel, *, partner, granting, refusing_login):
        self.tenant, self.partner, self.granting, self.refusing_login = tenant, partner, granting, refusing_login
        self.add_supplier, self.add_channel = add_supplier, add_channel
        self.canaries: dict[str, bytes] = {"planted": MARK, "HUB_SECRET_KEY": settings.SECRET_KEY.encode()}
        self.canaries |= {f"key {name}": key for name, key in settings.HUB_ENCRYPTION_KEYS}
        self.staff: dict[str, Client] = {}
        self.answers: list[object] = []

    def made(self, name, secret):
        """A secret that the hub made: looked for like the planted ones."""
        self.canaries[name] = secret if isinstance(secret, bytes) else str(secret).encode()
        return secret

    def found_in(self, data: bytes) -> set[bytes]:
        """The neighbourhood of every canary in the data."""
        needles = {written for secret in self.canaries.values() for written in _known(secret)}
        return {data[max(0, data.index(one) - 60) : data.index(one) + 60] for one in needles if one in data}

    def plant(self):
        self._partners()
        self._callers()
        self._staff()
        self.rule = AlertRule.objects.create(
            tenant=self.tenant, kind="dead_events", threshold=1, webhook_url=f"{self.partner.url}/alert",
            emails=["ops@example.com"],
        )  # fmt: skip
        self.made("alert signing secret", messages.make_signing_secret(self.rule))

    def _partners(self):
        self.tenant.external_url = f"{self.partner.url}/oms"
        self.tenant.save()
        for slug, public in (
            ("basic", {"username": "hub"}),
            ("granted", {"clientId": "hub", "authUrl": f"{self.granting.url}/token"}),
            ("refused", {"clientId": "hub", "authUrl": f"{self.refusing_login.url}/token"}),
        ):
            auth = "oauth2" if "clientId" in public else "basic"
            url = f"{self.partner.url}/hook"
            self.add_supplier(slug, [f"{slug}-*"], url=url, auth_type=auth, auth_config=public)
            hook = Webhook.objects.get(supplier__slug=slug)
            webhook_secrets.set_auth_secret(hook, canary(slug))
            webhook_secrets.set_signing_secret(hook, signing_canary("before"))
            webhook_secrets.set_signing_secret(hook, signing_canary("present"))
        for auth_type in ("headers", "basic"):
            self.add_channel(
                auth_type, base_url=f"{self.partner.url}/rtd2", password=canary(f"site-{auth_type}"),
                item_patterns=[f"site-{auth_type}-*"], auth_type=auth_type,
            )  # fmt: skip
        self.reading = {
            "basic": self._reading("basic", {"username": "hub"}),
            "oauth2": self._reading("oauth2", {"clientId": "hub", "authUrl": f"{self.granting.url}/token"}),
            "refused": self._reading("oauth2", {"clientId": "hub", "authUrl": f"{self.refusing_login.url}/token"}),
        }

    def _reading(self, type_, public):
        slug = f"reads-{Tenant.objects.count()}"
        tenant = Tenant.objects.create(slug=slug, name=slug, mode="proxy", external_url=f"{self.partner.url}/oms")
        config = ProxyConfig(tenant=tenant, type=type_, public=public, set_by=ProxyConfig.SetBy.OPS)
        credentials.store(config, canary(slug))
        return tenant

    def _callers(self):
        for tenant, client_id in ((self.tenant, "acme-oms"), *((one, one.slug) for one in self.reading.values())):
            scopes = ["customer-orders:read", "customer-orders:write", "proxy-config:write"]
            save_client(tenant, ClientEntry(client_id=client_id, scopes=scopes, client_secret=plain(client_id)))
        rotated = ApiClient.objects.get(client_id="acme-oms")
        self.secret = self.made("client secret", rotate_secret(rotated))
        self.callers = {tenant.slug: Api(self._token(tenant.slug)) for tenant in self.reading.values()}
        self.callers["acme"] = Api(self._token("acme-oms", secret=self.secret))
        self._token("acme-oms")

    def _token(self, client_id, *, secret=""):
        login = f"client_id={quote(client_id)}&client_secret={quote(secret or plain(client_id), safe='')}"
        granted = Api().call(
            "POST", "/oauth2/token", f"grant_type=client_credentials&{login}".encode(), content_type=FORM
        )
        assert granted.status_code == 200, granted.content
        return self.made(f"token {len(self.canaries)}", granted.json()["access_token"])

    def _staff(self):
        for role in staff.ROLES:
            tenant = self.tenant if role == staff.TENANT_ADMIN else None
            user = staff.give_role(role, role=role, tenant=tenant, password=canary(role)).user
            self.staff[role] = Client()
            self._sign_in(self.staff[role], user, self._second_step(user) if role == staff.SUPERUSER else "")
        made = staff.give_role("made", role=staff.OPERATOR)
        self.made("made password", made.made_password)

    def _second_step(self, user: User) -> str:
        """A recovery code of the login's fresh authenticator app."""
        typed = second_step.typed_key(second_step.propose(user)).replace(" ", "")
        key = self.made(f"app of {user}", base64.b32decode(typed))
        self.made(f"typed app of {user}", typed)
        codes = second_step.confirm(user, TOTP(key, 6, SHA1(), 30).generate(int(time.time())).decode())
        for number, code in enumerate(codes):
            self.made(f"recovery code {number} of {user}", code)
            self.made(f"bare recovery code {number} of {user}", code.replace("-", ""))
        return codes[0]

    def _sign_in(self, client, user, code):
        client.post("/admin/login/", {"username": user.username, "password": canary(user.username)})
        if code:
            self.made("half session", client.cookies["session"].value)
            client.post("/admin/login/second-step/", {"code": code})
        assert client.get("/admin/password_change/").status_code == 200
        self.made(f"session of {user}", client.cookies["session"].value)

    def work(self):
        """Every call to a partner once; every partner repeats what it was sent."""
        put(self.tenant, order("basic-1", "granted-1", "refused-1", "site-headers-1", "site-basic-1"))
        work()
        dispatcher.deliver()
        now = timezone.now()
        incident = Incident.objects.create(
            rule=self.rule, tenant=self.tenant, subject="events", said="x. y", page="/", most=1, began_at=now
        )
        for way in messages.ways(self.rule):
            messages.deliver(AlertMessage.objects.create(incident=incident, occasion="opened", way=way, due_at=now))
        self.reports = [self_test(tenant, who="ops") for tenant in (self.tenant, *self.reading.values())]
        self.answers = [*self._reads(), *self._wrong_configs(), *self._wrong_logins(), *self._staffs_mistakes()]

    def _reads(self):
        for caller in self.callers.values():
            yield caller.get(f"{ORDERS}/1001")
            yield caller.post(f"{ORDERS}:search", {"customerOrderId": "1"})
            yield caller.get("/api/v1/proxy-config")
            yield caller.get("/api/v1/order-events?since=2020-01-01T00:00:00Z")

    def _wrong_configs(self):
        caller = self.callers[self.reading["basic"].slug]
        good = {"type": "basic", "config": {"username": "hub", "password": canary("put")}}
        yield caller.put("/api/v1/proxy-config?verify=true", good)
        for body in (
            good, good | {"password": canary("beside")}, good | {"type": canary("type")},
            {"type": "basic", "config": {"username": "hub", "password": [canary("list")]}},
            {"type": "basic", "config": {"username": "hub", "password": canary("long") * 999}},
            {"type": "oauth2", "config": {"clientId": "hub", "clientSecret": canary("url"), "authUrl": "no url"}},
            b'{"type": "basic", "config": {"password": "' + canary("cut").encode(),
            b'{"password": "' + canary("one").encode() + b'", "password": "' + canary("two").encode() + b'"}',
        ):  # fmt: skip
            yield caller.put("/api/v1/proxy-config", body)

    def _wrong_logins(self):
        wrong = quote(plain("wrong"), safe="")
        for form in (
            f"grant_type=client_credentials&client_id=acme-oms&client_secret={wrong}",
            f"grant_type=client_credentials&client_id=acme-oms&client_secret={wrong}&client_secret={wrong}",
            f"grant_type=password&username=acme&password={wrong}",
            f"grant_type=client_credentials&client_id={wrong}&client_assertion={wrong}&client_assertion_type=x",
            f"grant_type=client_credentials&scope={wrong}",
        ):
            yield Api().call("POST", "/oauth2/token", form.encode(), content_type=FORM)
        basic = base64.b64encode(f"acme-oms:{plain('basic')}".encode()).decode()
        for header in (f"Bearer {plain('bearer')}", f"Basic {basic}", plain("scheme"), f"bearer  {plain('two')} x"):
            yield Api().get(f"{ORDERS}/1001", headers={"Authorization": header})
            yield Api().get("/metrics", headers={"Authorization": header}, REMOTE_ADDR="203.0.113.9")

    def _staffs_mistakes(self):
        Client().post("/admin/login/", {"username": canary("typed-as-name"), "password": "x"})
        yield Client().post("/admin/login/", {"username": "superuser", "password": canary("mistyped")})
        yield self.staff["superuser"].post(
            "/admin/password_change/",
            {"old_password": canary("old"), "new_password1": canary("new"), "new_password2": canary("other")},
        )
        for text in FAULTY_FILES:
            with contextlib.suppress(FileRefused):
                apply_file(text.encode(), file="acme.yaml", who="ops", dry_run=True)
                raise AssertionError(f"was taken: {text}")
            yield self._uploaded(text)
        previewed = self._uploaded(GOOD_FILE)
        assert b'name="sealed"' in previewed.content
        yield previewed

    def _uploaded(self, text):
        with contextlib.closing(io.BytesIO(text.encode())) as file:
            file.name = "acme.yaml"
            return self.staff["superuser"].post(reverse("admin:orders_tenant_onboarding_file"), {"file": file})

    def outside(self) -> list[tuple[str, bytes]]:
        """What was answered, by what was asked."""
        return [
            (f"{one.request['REQUEST_METHOD']} {one.request['PATH_INFO']} {one.status_code}",
             one.content + str(one.headers).encode())
            for one in self.answers
        ]  # fmt: skip


_TENANT = "tenants:\n  - id: acme\n    name: Acme\n    mode: events\n"
GOOD_FILE = f"""
tenants:
  - id: acme
    name: Acme
    mode: proxy
    external_url: https://oms.example.com
    proxy_auth: {{type: basic, config: {{username: u, password: "{CANARY}"}}}}
"""
FAULTY_FILES = (
    f'{_TENANT}    proxy_auth: {{type: basic, config: {{username: u, password: "{CANARY}"\n',
    f'{_TENANT}    proxy_auth: {{type: basic, config: {{username: u, password: ["{CANARY}"]}}}}\n',
    f'{_TENANT}    proxy_auth: {{type: basic, config: {{username: u, password: p, secret: "{CANARY}"}}}}\n',
    f'{_TENANT}    proxy_auth: {{type: "{CANARY}", config: {{username: u, password: "{CANARY}"}}}}\n',
    f'{_TENANT}    proxy_auth: "{CANARY}"\n',
    f'{_TENANT}    api_clients:\n      - {{client_id: x, client_secret: "{CANARY}", scopes: [none]}}\n',
    f'{_TENANT}    api_clients:\n      - {{client_id: x, client_secret: ["{CANARY}"], scopes: []}}\n',
    f"{_TENANT}    api_clients:\n      - client_id: x\n        scopes: [customer-orders:read]\n        public_keys:\n"
    + "          - |\n            " + PRIVATE_KEY.replace("\n", "\n            ") + "\n",
    f'{_TENANT}    suppliers:\n      - id: beans\n        name: Beans\n        webhook:\n          url: "https://b.example/h"\n'
    f'          signing_secret: "whsec_{CANARY}"\n          events: [order_created]\n',
)  # fmt: skip
"""Each has a fault right at a secret; the fourth and fifth have the secret where none belongs."""
