"""History of rows that hold both what people set and what the hub itself notes beside it."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
from django.http import HttpRequest
from simple_history.models import HistoricalRecords


def _staff(instance: models.Model, request: HttpRequest | None = None, **kwargs: Any) -> AbstractBaseUser | None:
    """Who the history names: a person. An API client is named in the change reason instead."""
    user = getattr(request, "user", None)
    return user if isinstance(user, AbstractBaseUser) else None


class SettingsHistory(HistoricalRecords):  # type: ignore[misc]  # simple_history has no types
    """Versions of the columns that people set. A save of excluded columns alone makes none."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(get_user=_staff, **kwargs)

    def post_save(self, instance: models.Model, created: bool, using: str | None = None, **kwargs: Any) -> None:
        written = kwargs.get("update_fields")
        if written is None or not set(written) <= set(self.excluded_fields):
            super().post_save(instance, created, using=using, **kwargs)
