"""The seam between the onboarding page and the integrations: each step after the tenant itself is an object.

A step's form makes keys of the onboarding file (``StepForm.keys``), so forms and files have the same validation,
storage and messages; a fault's place in the file leads to the form's field.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html

from orders.integrations.onboarding_faults import FileFault, path_of
from orders.models import Tenant


@dataclass(frozen=True, slots=True)
class Item:
    """One object that is set up already. ``id`` opens it in the step's form."""

    id: str
    name: str
    words: str
    url: str
    active: bool = True


EXISTS = '{} exists already; nothing was changed. <a class="hub-link" href="{}">Look at it</a>, or choose another.'
"""The id of what exists, and its page."""


class StepForm(forms.Form):
    """``places`` maps paths below the object in the file to fields; ``when`` says at which choice a field counts."""

    places: ClassVar[Mapping[str, str]] = {}
    when: ClassVar[Mapping[str, str]] = {}
    """Field name -> ``other=value``: shown only while that choice is made."""
    id_field: ClassVar[str] = ""
    """The field with the object's id; empty where the tenant has one such object at most."""

    def target(self) -> str:
        """The id of the object that the cleaned form writes."""
        return str(self.cleaned_data[self.id_field]) if self.id_field else ""

    def keys(self) -> dict[str, Any]:
        """The cleaned form as keys of the tenant in the onboarding file."""
        raise NotImplementedError

    def refused(self, faults: Sequence[FileFault]) -> None:
        """Put each fault beside its field; what has no field stands above the form with its path."""
        for fault in faults:
            below = tuple(part for part in fault.place[2:] if isinstance(part, str))
            field = self._field_at(below)
            self.add_error(field, sentence(fault.because) if field else f"{path_of(fault.place[2:])}: {fault.because}")

    def exists(self, item: Item) -> None:
        """Refuse to add what is there already, and lead to it."""
        self.add_error(self.id_field, ValidationError(format_html(EXISTS, item.id, item.url)))

    def _field_at(self, below: tuple[str, ...]) -> str | None:
        for length in range(len(below), 0, -1):
            if field := self.places.get(".".join(below[:length])):
                return field
        return None


_CONTINUES = ("must ", "is ", "are ", "has ", "names ", "may ", "needs ", "cannot ", "already ")


def sentence(because: str) -> str:
    """The file's words, which go on after a key, as a sentence beside a field."""
    words = f"This {because}" if because.startswith(_CONTINUES) else because[:1].upper() + because[1:]
    return words if words.endswith((".", "!", "?")) else f"{words}."


class Step(Protocol):
    """One step of the onboarding page."""

    key: str
    position: int
    """Steps are shown from the least to the greatest: order service 10, API clients 20, suppliers 30, warehouses 40."""
    title: str
    add_words: str
    """On the button that stores the form."""
    may_prepare: bool
    """Whether it can be filled in while it is not needed."""
    test_area: str
    """The area of the self-test whose trials its test runs."""
    test_words: str
    test_effect: str
    """What the test does, shown before it is run."""

    def about(self, tenant: Tenant) -> str:
        """What the step is for, for this tenant."""

    def needless(self, tenant: Tenant) -> str:
        """Why the tenant does not need it now; empty where it may."""

    def lacking(self, tenant: Tenant) -> str:
        """What must be entered before the tenant can be switched on; empty where nothing is."""

    def items(self, tenant: Tenant) -> list[Item]:
        """What is set up already."""

    def form(self, tenant: Tenant, data: Any = None, *, item: str = "") -> StepForm:
        """The form for a new object, or for the ``item`` of that id."""


def lines_of(text: str) -> list[str]:
    """One entry per line of a text area."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def secret_input() -> forms.PasswordInput:
    """Never shown again, never filled in by the browser with the reader's own password."""
    return forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password"})


KEEPS_SECRET = "Empty keeps what is stored, unless the address gets another host."
