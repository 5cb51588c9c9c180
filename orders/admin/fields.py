"""Form fields for what is stored as JSON, written as a person would, judged by the rules of the onboarding file."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from pydantic import TypeAdapter
from pydantic import ValidationError as Faults
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

_PUBLIC_KEY = re.compile(r"-----BEGIN [^-]+-----[^-]*-----END [^-]+-----")
"""Base64 has no hyphen, so that a text of many beginnings is read once."""


def checked(annotation: Any, value: Any) -> Any:
    """The value as the onboarding file would take it. Raises Django's ValidationError in the file's words."""
    try:
        return TypeAdapter(annotation).validate_python(value)
    except Faults as faults:
        said = [str(fault.get("ctx", {}).get("error", fault["msg"])) for fault in faults.errors()]
        raise ValidationError([f"This {words}." for words in dict.fromkeys(said)]) from None


class TextField(forms.CharField):
    """A text judged by a type of ``orders.onboarding.fields``."""

    def __init__(self, *, annotation: Any, **options: Any) -> None:
        self.annotation = annotation
        super().__init__(**{"widget": UnfoldAdminTextInputWidget, **options})

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        return checked(self.annotation, text) if text else ""


class _JsonField(TextField):
    """``read`` makes the stored value of a text, ``write`` the text of a stored value."""

    empty: Any = None

    def read(self, text: str) -> Any:
        """The value to store. Raises ValidationError."""
        raise NotImplementedError

    def write(self, value: Any) -> str:
        """The text that a person edits."""
        raise NotImplementedError

    def clean(self, value: Any) -> Any:
        text = forms.CharField.clean(self, value)
        return checked(self.annotation, self.read(text)) if text else self.empty

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) else self.write(value) if value else ""

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), (data or "").replace("\r\n", "\n"))


class SecondsField(_JsonField):
    """``1, 5, 30``; empty for the hub's own schedule."""

    def read(self, text: str) -> list[float]:
        try:
            return [_number(part) for part in re.split(r"[,;\s]+", text.strip(",; "))]
        except ValueError:
            raise ValidationError("Write numbers of seconds with commas between them, such as 1, 5, 30.") from None

    def write(self, value: Any) -> str:
        return ", ".join(f"{step:g}" for step in value)


class PairsField(_JsonField):
    """One ``theirs = ours`` per line."""

    empty: Any = {}

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"widget": UnfoldAdminTextareaWidget(attrs={"rows": 4}), **options})

    def read(self, text: str) -> dict[str, str]:
        pairs: dict[str, str] = {}
        for line in filter(None, map(str.strip, text.splitlines())):
            theirs, equals, ours = (part.strip() for part in line.partition("="))
            if not (theirs and equals and ours):
                raise ValidationError(f"Write one pair per line, such as NEW = CREATED; {line!r} is none.")
            if theirs in pairs:
                raise ValidationError(f"{theirs!r} stands there twice; keep one of them.")
            pairs[theirs] = ours
        return pairs

    def write(self, value: Any) -> str:
        return "\n".join(f"{theirs} = {ours}" for theirs, ours in value.items())


class LinesField(_JsonField):
    """One entry per line."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"widget": UnfoldAdminTextareaWidget(attrs={"rows": 4}), **options})

    def read(self, text: str) -> list[str]:
        return list(filter(None, map(str.strip, text.splitlines())))

    def write(self, value: Any) -> str:
        return "\n".join(value)


class KeysField(LinesField):
    """Public keys in PEM, one after the other."""

    empty: Any = []

    def read(self, text: str) -> list[str]:
        blocks = _PUBLIC_KEY.findall(text)
        if _PUBLIC_KEY.sub("", text).strip() or not blocks:
            raise ValidationError("Paste whole public keys, each from -----BEGIN PUBLIC KEY----- to its END line.")
        return [block.replace("\r\n", "\n") for block in blocks]


def _number(text: str) -> float:
    number = float(text)
    return int(number) if number.is_integer() else number
