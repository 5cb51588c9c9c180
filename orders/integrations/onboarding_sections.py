"""The seam between the onboarding file and the apps: each key of a tenant that is not the core's own is a section."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from orders.integrations.onboarding_report import Report
    from orders.models import Tenant


class Section(Protocol):
    """One key of a tenant in the onboarding file."""

    annotation: Any
    """The pydantic type of the key's value; its models derive from ``fields.Entry``."""
    default: Any
    """What an absent key means; None keeps what is stored: ``apply`` is not called."""

    def apply(self, tenant: Tenant, value: Any, report: Report) -> None:
        """Make the stored rows what ``value`` says, inside the one transaction of the whole file. No network.

        A fault that only the database shows goes to ``report.refuse``; applying continues and finds further faults.
        Work that locks lanes goes to ``report.at_last``.
        """

    def export(self, tenant: Tenant) -> Any:
        """The stored rows as plain data for YAML, secrets as ``fields.MASK``; None leaves the key out."""
