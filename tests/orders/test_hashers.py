"""The hashers of production, which every other test replaces by quick ones (tests/hashers.py)."""

import base64

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import User
from django.test import Client

from config import settings as production
from tests.api_fixtures import SECRET
from tests.hashers import QuickPasswordHasher

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _hashers_of_production(settings):
    settings.PASSWORD_HASHERS = production.PASSWORD_HASHERS


def cost(encoded):
    algorithm, iterations, *_ = encoded.split("$")
    return algorithm, int(iterations)


@pytest.fixture
def ada(db):
    return User.objects.create_user("ada", password=PASSWORD, is_staff=True, is_superuser=True)


def sign_in(password):
    return Client().post("/admin/login/", {"username": "ada", "password": password})


def test_a_password_is_hashed_with_djangos_own_cost_and_signs_in(ada):
    assert cost(ada.password) == ("pbkdf2_sha256", PBKDF2PasswordHasher.iterations)
    assert PBKDF2PasswordHasher.iterations >= 1_000_000
    assert sign_in(PASSWORD).status_code == 302
    assert sign_in("wrong").status_code == 200


def test_a_cheaply_hashed_password_is_hashed_anew_at_the_next_sign_in(ada):
    ada.password = QuickPasswordHasher().encode(PASSWORD, "salt")
    ada.save()
    assert sign_in(PASSWORD).status_code == 302
    ada.refresh_from_db()
    assert cost(ada.password) == ("pbkdf2_sha256", PBKDF2PasswordHasher.iterations)


def test_a_client_secret_is_hashed_with_five_thousand_rounds_and_gets_a_token(acme, make_client):
    client = make_client(acme)
    assert cost(client.client_secret) == ("client_secret", 5_000)
    assert token_status(client.client_id, SECRET) == 200
    assert token_status(client.client_id, "wrong") == 401


def token_status(client_id, secret):
    basic = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}"}
    form = "application/x-www-form-urlencoded"
    return Client().post("/oauth2/token", "grant_type=client_credentials", form, headers=headers).status_code
