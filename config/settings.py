"""Django's settings, made from the environment (config/env.py). Composition only: no behaviour lives here."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
import dj_email_url
from django.templatetags.static import static

from config.env import BASE_DIR, Env, read_env
from config.logs import logging_settings

ENV: Env = read_env(dict(os.environ))

HUB_VERSION = "0.1.0"
HUB_PUBLIC_URL = ENV.public_url
HUB_EMBEDDED = ENV.embedded
HUB_ENCRYPTION_KEYS = ENV.encryption_keys
HUB_TRUSTED_PROXIES = ENV.trusted_proxies
HUB_OUTBOUND_ALLOWED_NETWORKS = ENV.outbound_allowed_networks
HUB_OUTBOUND_ALLOW_HTTP = ENV.outbound_allow_http
HUB_EVENT_RETRY_SCHEDULE = ENV.event_retry_schedule
HUB_DELIVERY_RETRY_SCHEDULE = ENV.delivery_retry_schedule
HUB_PROXY_TIMEOUT_SECONDS = ENV.proxy_timeout_seconds
HUB_BREAKER_FAILURES = ENV.breaker_failures
HUB_BREAKER_OPEN_SECONDS = ENV.breaker_open_seconds
HUB_RESPONSE_LIMIT_BYTES = ENV.response_limit_bytes
HUB_PROGRESS_LIMIT_SECONDS = ENV.progress_limit_seconds
HUB_RECEIVE_HOLD_SECONDS = ENV.receive_hold_seconds
HUB_WEB_THREADS = ENV.web_threads
HUB_DATABASE_CONNECTIONS = ENV.database_connections
HUB_OUTBOUND_THREADS = ENV.outbound_threads
HUB_METRICS_TOKEN = ENV.metrics_token
HUB_FAULT_INJECTION = ENV.fault_injection
HUB_SECOND_STEP_ROLES = ENV.second_step_roles

INTEGRATIONS = [
    "proxy.integration.ProxyIntegration",
    "suppliers.integration.SupplierIntegration",
    "orderflow.integration.OrderFlowIntegration",
]
"""One class per integration (orders.integrations.base; docs/guides/adding-an-integration.md)."""

SECRET_KEY = ENV.secret_key
DEBUG = False
ALLOWED_HOSTS = ENV.allowed_hosts
BEHIND_TLS = ENV.public_url.startswith("https://")

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.simple_history",
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "oauth2_provider",
    "simple_history",
    "orders",
    "proxy",
    "suppliers",
    "orderflow",
    "config",
]

MIDDLEWARE = [
    "config.forwarded.ForwardedHeaders",
    "orders.http.raw_paths.RawPathMiddleware",
    "orders.http.correlation.CorrelationMiddleware",
    "config.security.SecurityHeaders",
    "config.forwarded.KnownHost",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.security.BoundedForms",
    "config.security.StaffSessions",
    "config.security.StaffCsrf",
    "config.security.StaffAuthentication",
    "config.security.StaffMessages",
    "orders.admin.zones.ReadersZone",
    "config.security.StaffHistory",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
"""Sessions, CSRF and login belong to the staff's pages; the API, which has tokens, skips them."""

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]


VANISHED = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 60_000}
"""A database host that vanishes without a word, as at a failover, is given up after a minute, not after the quarter of
an hour that Linux would wait. Seconds, but for the last, milliseconds."""


def _database() -> dict[str, Any]:
    database: dict[str, Any] = {**dj_database_url.parse(ENV.database_url, conn_max_age=None, conn_health_checks=True)}
    if ENV.on_sqlite:
        database["ENGINE"] = "config.sqlite3"
        database["NAME"] = str(BASE_DIR / str(database["NAME"]))
        database["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        }
    else:
        database["ENGINE"] = "config.postgresql"
        database["OPTIONS"] = {
            **database.get("OPTIONS", {}),
            "connect_timeout": 5,
            **VANISHED,
            "application_name": "orderhub",
            "options": "-c idle_in_transaction_session_timeout=60000",
        }
        database["DISABLE_SERVER_SIDE_CURSORS"] = True
        """A cursor that outlives its transaction is on another server connection of a pooler than its reader."""
    database["TEST"] = {"NAME": os.environ.get("HUB_TEST_DATABASE")}
    return database


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"


def _cache() -> dict[str, Any]:
    if ENV.embedded:
        return {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    return {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": ENV.redis_url,
        "KEY_PREFIX": "orderhub",
        "OPTIONS": {
            "serializer": "orders.cache.json_serializer.JsonSerializer",
            "socket_timeout": 0.1,
            "socket_connect_timeout": 0.1,
        },
    }


CACHES = {"default": _cache()}

CELERY_BROKER_URL = ENV.redis_url or "memory://embedded/"
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {"polling_interval": 0.02}
    if ENV.embedded
    else {"socket_timeout": 2, "socket_connect_timeout": 0.5, "ack_emulation": False}
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False
"""A wake is never given back: doing so through a lost connection ends the worker, and the sweep finds what it meant."""
CELERY_TASK_SERIALIZER = CELERY_RESULT_SERIALIZER = CELERY_EVENT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
"""A message of any other form is refused unread: write access to Redis must not become code that runs here."""
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_DB_REUSE_MAX = 1_000_000_000
"""Our tasks close what is unusable themselves; the fixup would close every connection after every task."""
CELERY_TASK_ROUTES = {name: {"queue": "outbound"} for name in ("orders.tasks.deliver", "orders.tasks.periodic")}
CELERY_TASK_DEFAULT_QUEUE = "inbound"
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "orders.tasks.sweep", "schedule": 1.0},
    "sweep-outbound": {"task": "orders.tasks.sweep", "schedule": 1.0, "options": {"queue": "outbound"}},
    "housekeeping": {"task": "orders.tasks.housekeeping", "schedule": 600.0},
}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]
LOGIN_URL = "admin:login"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
SESSION_ENGINE = "orders.access.sessions"
SESSION_COOKIE_AGE = 12 * 3600
"""A working day: a browser that stays open must sign in again the next morning."""
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = ("__Host-session", "__Host-csrf") if BEHIND_TLS else ("session", "csrf")
"""With the prefix a browser takes them over https only, and from no other host of the domain."""
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_TLS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
"""Strict would ask for the password again when a link in an alert's mail is followed."""
SESSION_SERIALIZER = "django.contrib.sessions.serializers.JSONSerializer"
X_FRAME_OPTIONS = "DENY"
CSRF_TRUSTED_ORIGINS = [ENV.public_url]
SECURE_HSTS_SECONDS = 365 * 86_400 if BEHIND_TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = BEHIND_TLS
SECURE_REFERRER_POLICY = "same-origin"
SILENCED_SYSTEM_CHECKS = ["security.W003", "security.W008"]
"""W003: config.security.StaffCsrf is the stock protection, for the pages that have sessions. W008: the hub itself never
redirects to https; the proxy in front does (docs/reference/environment.md#addresses)."""

OAUTH2_PROVIDER_APPLICATION_MODEL = "orders.ApiClient"
OAUTH2_PROVIDER = {
    "OAUTH2_VALIDATOR_CLASS": "orders.api.token.ClientValidator",
    "SCOPES_BACKEND_CLASS": "orders.api.token.ClientScopes",
    "ACCESS_TOKEN_EXPIRE_SECONDS": 3600,
    "CLIENT_SECRET_HASHER": "client_secret",
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
    "COMPLIANT_BCP_RFC9700_REFRESH_TOKEN": True,
}
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "orders.api.token.ClientSecretHasher",
]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "orders.api.schema.operations.DeclaredSchema",
    "EXCEPTION_HANDLER": "orders.api.errors.exception_handler",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Orderhub",
    "VERSION": "1",
    "DESCRIPTION": "Receives customer orders, notifies suppliers and warehouses, records every event's status.",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SERVERS": [{"url": ENV.public_url}],
}

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True
FORMAT_MODULE_PATH = "orders.admin.formats"

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = ENV.on_sqlite
"""The embedded default serves assets straight from the packages; production collects them (`make install`)."""

_EMAIL = dj_email_url.parse(ENV.email_url or "dummy://")
EMAIL_BACKEND = _EMAIL["EMAIL_BACKEND"]
EMAIL_HOST, EMAIL_PORT = _EMAIL["EMAIL_HOST"], _EMAIL["EMAIL_PORT"]
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _EMAIL["EMAIL_HOST_USER"], _EMAIL["EMAIL_HOST_PASSWORD"]
EMAIL_USE_TLS, EMAIL_USE_SSL = _EMAIL["EMAIL_USE_TLS"], _EMAIL["EMAIL_USE_SSL"]
EMAIL_TIMEOUT = 10
HUB_EMAIL_URL = ENV.email_url
DEFAULT_FROM_EMAIL = f"orderhub@{urlsplit(ENV.public_url).hostname}"

LOGGING_CONFIG = None
logging_settings(ENV.log_format)

UNFOLD = {
    "SITE_TITLE": "Orderhub",
    "SITE_HEADER": "Orderhub",
    "SITE_SYMBOL": "hub",
    "SITE_URL": None,
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "DASHBOARD_CALLBACK": "orders.admin.home.page.dashboard",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda _: static("orders/icon.svg")}],
    "STYLES": [lambda _: static("orders/console.css")],
    "SCRIPTS": [lambda _: static("orders/zone.js"), lambda _: static("orders/files.js")],
    "SIDEBAR": {"navigation": "orders.admin.navigation.navigation"},
    "ACCOUNT": {"navigation": "orders.admin.navigation.account"},
}
