"""The seam between the core and its integrations: the base class, the types that both sides share, and who is there."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from orders.integrations.base import Integration
from orders.integrations.channels import Channel
from orders.integrations.onboarding_sections import Section

__all__ = ["Integration", "channels", "integrations", "sections"]


@cache
def integrations() -> tuple[Integration, ...]:
    """One object per class of ``settings.INTEGRATIONS``, in that order."""
    return tuple(import_string(path)() for path in settings.INTEGRATIONS)


@cache
def channels() -> Mapping[str, Channel]:
    """The channels of all integrations by name, each made once."""
    return {name: channel for one in integrations() for name, channel in one.channels().items()}


@cache
def sections() -> Mapping[str, Section]:
    """The sections of the onboarding file by key."""
    return {key: section for one in integrations() for key, section in one.onboarding_sections().items()}
