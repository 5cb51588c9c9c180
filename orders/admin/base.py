"""What every page of the admin has in common: who may see which tenant's rows, and lists that never count.

    HubAdmin       settings that staff change: tenants, clients, suppliers, channels
    HistoryAdmin   the same, with who changed what (django-simple-history); old versions are shown, not brought back
    EvidenceAdmin  rows the hub writes: no add, change or delete for anybody; verbs are actions

Permissions are Django's own. On evidence the ``change`` permission of the model means its verbs (retry, discard,
pause …): ``has_operate_permission``. Staff bound to a tenant see that tenant's rows only, on every page.
"""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import get_fields_from_path, unquote
from django.core.exceptions import FieldDoesNotExist, PermissionDenied, ValidationError
from django.core.paginator import Page, Paginator
from django.db.models import ForeignKey, Model, Q, QuerySet, UUIDField
from django.forms import ModelChoiceField
from django.http import Http404, HttpRequest, HttpResponse
from simple_history.admin import SimpleHistoryAdmin
from unfold.admin import ModelAdmin
from unfold.paginator import InfinitePaginator
from unfold.views import ChangeList

from orders.access.staff import TENANT_ADMIN
from orders.admin import lookups
from orders.admin.masking import MaskedRows
from orders.masking.documents import sees_personal_data
from orders.models import Tenant
from orders.onboarding.rows import touched_columns
from orders.timeline.find import anywhere

ROWS_SHOWN = 10_000
"""How deep a list of evidence can be paged through; beyond that a filter or a search finds the row sooner."""


BY_PLACE = ("customer_order_id", "customer_id")
"""Columns whose indexes begin with the tenant and the business unit."""
NO_TENANT = 0
"""No tenant's id: a tenant admin whom nobody has bound yet sees nothing."""


def bound_tenant(request: HttpRequest) -> int | None:
    """The tenant whose rows alone this login may see; None for the hub's own staff."""
    user = request.user
    binding = getattr(user, "staff_tenant", None)
    if binding is not None:
        return int(binding.tenant_id)
    if user.is_superuser:
        return None
    known = vars(request)
    if "_unbound_tenant_admin" not in known:
        known["_unbound_tenant_admin"] = user.groups.filter(name=TENANT_ADMIN).exists()
    return NO_TENANT if known["_unbound_tenant_admin"] else None


def chosen_tenant(request: HttpRequest) -> int | None:
    """The tenant whose rows alone a list shows: the login's own, or the one filtered by; None for everybody's."""
    bound, chosen = bound_tenant(request), request.GET.get(TenantFilter.parameter_name, "")
    return bound if bound is not None else lookups.number(chosen)


class TenantFilter(admin.SimpleListFilter):
    """By tenant, offering only those that the login may see."""

    title = "tenant"
    parameter_name = "of"

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: type[Model], model_admin: Any) -> None:
        self._path = model_admin.tenant_path
        super().__init__(request, params, model, model_admin)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        if bound_tenant(request) is not None:
            return []
        return [(str(pk), name) for pk, name in Tenant.objects.order_by("name").values_list("pk", "name")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        tenant_id = lookups.number(self.value() or "")
        return queryset if tenant_id is None else queryset.filter(**{self._path: tenant_id})


class ReachableFilter(admin.RelatedFieldListFilter):
    """By a related row, offering only those that the login may see on their own list."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        related = model_admin.admin_site._registry.get(field.remote_field.model)
        if related is None and bound_tenant(request) is not None:
            return []
        reached = {"pk__in": related.get_queryset(request).values("pk")} if related else {}
        ordering = self.field_admin_ordering(field, request, model_admin)
        choices: list[tuple[str, Any]] = field.get_choices(
            include_blank=False, ordering=ordering, limit_choices_to=reached
        )
        return choices


class HubAdmin(ModelAdmin):  # type: ignore[misc]  # unfold has no types
    """``tenant_path`` leads from the model to its tenant; a model without one is hidden from bound staff."""

    tenant_path: str | None = None
    empty_words = "What is set up appears here."
    """What an empty list says: where its rows come from."""
    linked_lookups: tuple[str, ...] = ()
    """What the hub's own pages link to, besides the declared filters."""
    list_per_page = 50
    list_filter_sheet = False
    compressed_fields = True
    warn_unsaved_form = True

    def __init__(self, model: type[Model], admin_site: admin.AdminSite) -> None:
        self.tenant_path = type(self).tenant_path or _tenant_path(model)
        super().__init__(model, admin_site)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        tenant_id = bound_tenant(request)
        if tenant_id is None:
            return rows
        return rows.filter(**{self.tenant_path: tenant_id}) if self.tenant_path else rows.none()

    def reaches(self, request: HttpRequest, obj: Any) -> bool:
        """Whether the row (or the row of that id) is among those that the login may see."""
        if obj is None or bound_tenant(request) is None:
            return True
        return self.rows_of_id(request, obj.pk if isinstance(obj, Model) else obj).exists()

    def rows_of_id(self, request: HttpRequest, object_id: Any) -> QuerySet[Any]:
        """The row of an id that somebody wrote, or none; asking the database for what is no id is an error."""
        rows = self.get_queryset(request)
        return rows.filter(pk=object_id) if self._is_id(object_id) else rows.none()

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        if from_field is None and not self._is_id(object_id):
            return None
        return super().get_object(request, object_id, from_field)

    def _is_id(self, object_id: Any) -> bool:
        """Whether a row can have it: of its kind, without a NUL, and a number of at most 64 bits."""
        try:
            found = self.model._meta.pk.to_python(object_id)
        except ValidationError:
            return False
        return "\x00" not in str(found) and (not isinstance(found, int) or abs(found) < 10**lookups.MOST_DIGITS)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Only what is declared; PostgreSQL takes no text with a NUL in it."""
        known = set(self.linked_lookups).union(
            *(lookups.declared(self.model, one) for one in self.get_list_filter(request))
        )
        return "\x00" not in value and (lookup in known or lookups.of_date(self.date_hierarchy, lookup, value))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Of a stored row the changed columns alone are written: processes and other people write others of it."""
        if not change:
            super().save_model(request, obj, form, change)
        elif columns := {field.name for field in obj._meta.concrete_fields} & set(form.changed_data):
            obj.save(update_fields=[*columns, *touched_columns(obj)])

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        if not all(map(self._is_id, request.POST.getlist(ACTION_CHECKBOX_NAME))):
            raise Http404("No row has such an id.")
        response: HttpResponse | None = super().response_action(request, queryset)
        return response

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        """The plain filter by tenant would offer every tenant's name to everybody."""
        wanted = super().get_list_filter(request)
        return [TenantFilter if one == self.tenant_path else self._reachable(one) for one in wanted]

    def _reachable(self, one: Any) -> Any:
        related = isinstance(one, str) and get_fields_from_path(self.model, one)[-1].remote_field
        return (one, ReachableFilter) if related else one

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> ModelChoiceField[Any] | None:
        related = self.admin_site._registry.get(db_field.remote_field.model)
        if "queryset" not in kwargs and bound_tenant(request) is not None and isinstance(related, HubAdmin):
            kwargs["queryset"] = related.get_queryset(request)
        field: ModelChoiceField[Any] | None = super().formfield_for_foreignkey(db_field, request, **kwargs)
        return field

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(super().has_view_permission(request, obj)) and self.reaches(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(super().has_change_permission(request, obj)) and self.reaches(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(super().has_delete_permission(request, obj)) and self.reaches(request, obj)


class HistoryAdmin(SimpleHistoryAdmin, HubAdmin):  # type: ignore[misc]  # simple_history has no types
    """An old version is evidence: changing back is a change like any other, made in the form."""

    object_history_list_template = "admin/orders/history.html"

    def revert_disabled(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def history_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        if not self._is_id(unquote(object_id)):
            raise Http404("No row has such an id.")
        response: HttpResponse = super().history_view(request, object_id, *args, **kwargs)
        return response

    def history_form_view(
        self, request: HttpRequest, object_id: str, version_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Without the button to the history, which would be that of the version's own model and lead nowhere; Close
        leads to the row's.
        """
        if request.method != "GET":
            raise PermissionDenied
        if not self._is_id(object_id) or lookups.number(version_id) is None:
            raise Http404("There is no such version.")
        response: HttpResponse = super().history_form_view(
            request, object_id, version_id, {"show_history": False, **(extra_context or {})}
        )
        return response


class UncountedList(ChangeList):  # type: ignore[misc]  # unfold has no types
    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.full_result_count = self.result_count
        page: Any = self
        page.result_list = self.model_admin.covered(request, list(page.result_list))


class UncountedPaginator(InfinitePaginator):  # type: ignore[misc]  # unfold has no types
    """Pages without ``COUNT(*)``, which would read the whole table; what lies before a page is stepped over by id."""

    count = ROWS_SHOWN

    def page(self, number: Any) -> Page[Any]:
        number = self.validate_number(number)
        if number == 1 or not isinstance(self.object_list, QuerySet):
            return cast("Page[Any]", super().page(number))
        before = (number - 1) * self.per_page
        ids = list(self.object_list.values_list("pk", flat=True)[before : before + self.per_page])
        return cast("Page[Any]", self._get_page(self.object_list.filter(pk__in=ids), number, self))


class EvidenceAdmin(MaskedRows, HubAdmin):
    """Rows that the hub writes. ``get_changelist`` and the paginator keep big tables from being counted.

    Search fields written ``=name`` are matched letter for letter, so that an index finds them. ``long_texts`` are
    columns that lists leave in the database.
    """

    long_texts: tuple[str, ...] = ()
    empty_words = "The hub writes these rows by itself."

    paginator: ClassVar[type[Paginator[Any]]] = UncountedPaginator
    show_full_result_count = False
    list_disable_select_all = True
    actions_on_top = True
    warn_unsaved_form = False
    ordering: ClassVar[tuple[str, ...]] = ("-pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        opened = request.resolver_match is not None and "object_id" in request.resolver_match.kwargs
        return rows if opened else rows.defer(*self.long_texts)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return UncountedList

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        found = super().get_object(request, object_id, from_field)
        return found if found is None else self.covered(request, [found])[0]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """A filter on a hidden column is refused: ``?payload__contains=`` would reveal it letter by letter."""
        own = lookup.split("__", maxsplit=1)[0] in self.personal
        hidden = own and not sees_personal_data(request)
        return not hidden and bool(super().lookup_allowed(lookup, value, request))

    def get_sortable_by(self, request: HttpRequest) -> list[str]:
        sortable = super().get_sortable_by(request)
        return list(sortable if sees_personal_data(request) else (one for one in sortable if one not in self.personal))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        fields = self.get_search_fields(request)
        if not search_term.strip() or not all(field.startswith("=") for field in fields):
            found: tuple[QuerySet[Any], bool] = super().get_search_results(request, queryset, search_term)
            return found
        return queryset.filter(self._exactly(search_term.strip(), [field[1:] for field in fields])), False

    def _exactly(self, term: str, paths: list[str]) -> Q:
        """A UUID is looked for among ids only, anything else among texts only: OR over both would scan the table."""
        ids, texts = Q(pk__in=[]), Q(pk__in=[])
        for path in paths:
            field = get_fields_from_path(self.model, path)[-1]
            if not isinstance(field, UUIDField):
                texts |= _text_is(path, field, term)
                continue
            try:
                ids |= Q(**{path: field.to_python(term)})
            except ValidationError:
                continue
        return ids if ids != Q(pk__in=[]) else texts

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the login may use the verbs of these rows."""
        opts = self.opts
        return request.user.has_perm(f"{opts.app_label}.change_{opts.model_name}") and self.reaches(request, obj)


def _text_is(path: str, field: Any, term: str) -> Q:
    """Rows behind a relation are looked for first: a condition on either side of a join, by OR, has no index."""
    relation, _, own = path.rpartition("__")
    found = Q(**{own: term}) & (anywhere(own, field.model) if own in BY_PLACE else Q())
    if not relation:
        return found
    return Q(
        **{
            f"{relation}__in": list(
                field.model._default_manager.filter(found).values_list("pk", flat=True)[:ROWS_SHOWN]
            )
        }
    )


def _tenant_path(model: type[Model]) -> str | None:
    if model is Tenant:
        return "pk"
    try:
        model._meta.get_field("tenant")
    except FieldDoesNotExist:
        return None
    return "tenant"
