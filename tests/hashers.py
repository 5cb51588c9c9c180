"""The hub's hashers with a single iteration: same algorithms, so that a process that a test starts knows the hashes."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher

from orders.api.token import ClientSecretHasher


class QuickPasswordHasher(PBKDF2PasswordHasher):
    iterations = 1


class QuickClientSecretHasher(ClientSecretHasher):
    iterations = 1
