"""How the onboarding page draws the fields of its forms."""

from __future__ import annotations

from typing import Any

from django import forms, template

register = template.Library()


@register.filter
def when(form: Any, name: str) -> str:
    """``other=value``: the choice at which the field counts; empty for always."""
    return str(getattr(form, "when", {}).get(name, ""))


@register.filter
def many(bound: forms.BoundField) -> bool:
    """Whether it is a group of buttons or boxes, which has a legend and no single label."""
    return isinstance(bound.field.widget, forms.RadioSelect | forms.CheckboxSelectMultiple)


@register.filter
def tick(bound: forms.BoundField) -> bool:
    return isinstance(bound.field.widget, forms.CheckboxInput)
