"""A channel's catalogue in the admin: edited one by one or as a spreadsheet; stock is read on demand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.decorators import action
from unfold.widgets import UnfoldAdminTextInputWidget

from orderflow.admin.filters import FailureFilter, in_every_channel
from orderflow.catalogue.product_documents import product_faults
from orderflow.catalogue.products import put_products
from orderflow.catalogue.spreadsheet_import import Refused, take_file
from orderflow.catalogue.spreadsheets import FILE_BYTES, FORMATS, OWN, written
from orderflow.catalogue.stock import asked_stock
from orderflow.catalogue.workbook_limits import Unusable
from orderflow.models import OrderFlowChannel, Product
from orderflow.site.import_documents import NotSendable, reference_text
from orders.admin.base import HubAdmin

MOST_EXPORTED = 100_000
"""Products in one file: as many as a spreadsheet program still opens with ease."""
MOST_ASKED = 100
"""Products of one question for stock; they stand in the address."""


class ProductForm(forms.ModelForm):  # type: ignore[type-arg]
    """One field per property; an empty one is not sent."""

    class Meta:
        model = Product
        fields = ("channel", "sku")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in OWN:
            self.fields[name].initial = self.instance.properties.get(name, "")

    def properties(self) -> dict[str, str]:
        return {name: value for name in OWN if (value := self.cleaned_data.get(name))}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        sku = cleaned.get("sku") or self.instance.sku
        for name, reason in product_faults(sku, self.properties()):
            self.add_error(name if name in self.fields else None, f"{name} {reason}")
        return cleaned

    def clean_sku(self) -> str:
        try:
            return reference_text("sku", self.cleaned_data["sku"])
        except NotSendable as fault:
            raise forms.ValidationError(fault.reason.capitalize()) from None


_FIELDS = {
    name: forms.CharField(required=False, strip=True, label=name, widget=UnfoldAdminTextInputWidget()) for name in OWN
}
FormOfProduct = type("FormOfProduct", (ProductForm,), dict(_FIELDS))
"""The form with its fields, which are the properties that OrderFlow knows."""
FIRST = ("description", "type", "activated", "barcode", "weight", "weightUnits")


@admin.register(Product)
class ProductAdmin(HubAdmin):
    """The catalogue, and what the warehouse accepted of it. A changed product is sent to the warehouse."""

    form = FormOfProduct
    tenant_path = "channel__destination__tenant"
    list_display = ("sku", "channel", "state", "failure", "updated_at")
    list_filter = ("channel", FailureFilter)
    search_fields = ("=sku",)
    list_select_related = ("channel__destination",)
    readonly_fields = ("state", "failure", "updated_at")
    fieldsets = (
        (None, {"fields": ("channel", "sku", *FIRST)}),
        ("At the warehouse", {"fields": ("state", "failure", "updated_at")}),
        ("More properties", {"fields": [name for name in OWN if name not in FIRST], "classes": ["collapse"]}),
    )
    actions: ClassVar[Any] = ("ask_stock",)
    actions_list = ("export_csv", "export_xlsx", "take_products")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """The SKU as it is written; in another case no index would find it."""
        sku = search_term.strip()
        return (in_every_channel(queryset).filter(sku=sku) if sku else queryset), False

    @admin.display(description="at the warehouse")
    def state(self, product: Product) -> str:
        return product.status

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        """A product keeps its channel and SKU: they are what the warehouse knows it by."""
        return (*self.readonly_fields, *(("channel", "sku") if obj else ()))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_operate_permission(request)

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("orderflow.change_product")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The warehouse would keep it anyway; deactivate it instead."""
        return False

    def save_model(self, request: HttpRequest, obj: Product, form: Any, change: bool) -> None:
        """By the catalogue's service, which also makes the delivery."""
        put_products(obj.channel, {obj.sku: form.properties()})
        obj.pk = Product.objects.get(channel=obj.channel, sku=obj.sku).pk

    @admin.action(description="Ask the warehouse for stock", permissions=["view"])
    def ask_stock(self, request: HttpRequest, queryset: QuerySet[Product]) -> None:
        """One call per channel, outside any transaction; nothing is stored."""
        for sentence, found in asked_stock(list(queryset.select_related("channel__destination")[:MOST_ASKED])):
            self.message_user(request, sentence, messages.INFO if found else messages.ERROR)

    @action(description="Export as CSV", url_path="export-csv", permissions=["view"], icon="download")  # type: ignore[untyped-decorator]
    def export_csv(self, request: HttpRequest) -> HttpResponse:
        return self._file(request, "csv")

    @action(description="Export as XLSX", url_path="export-xlsx", permissions=["view"], icon="download")  # type: ignore[untyped-decorator]
    def export_xlsx(self, request: HttpRequest) -> HttpResponse:
        return self._file(request, "xlsx")

    def _file(self, request: HttpRequest, form: str) -> HttpResponse:
        products = self.get_queryset(request).select_related("channel__destination__tenant")
        data = written(products.order_by("channel", "sku")[:MOST_EXPORTED], form)
        disposition = {"Content-Disposition": f'attachment; filename="products.{form}"'}
        return HttpResponse(data, headers=disposition, content_type=FORMATS[form]().get_content_type())

    @action(description="Import a file", url_path="import", permissions=["operate"], icon="upload")  # type: ignore[untyped-decorator]
    def take_products(self, request: HttpRequest) -> HttpResponse:
        """Shows what the file would change; stores it on request."""
        if not self.has_operate_permission(request):
            raise PermissionDenied
        result = self._imported(request) if request.method == "POST" else {}
        context = {
            **self.admin_site.each_context(request),
            **result,
            "title": "Import products",
            "limit": FILE_BYTES // 1024 // 1024,
            "back": reverse("admin:orderflow_product_changelist"),
        }
        return TemplateResponse(request, "admin/orderflow/import_products.html", context)

    def _imported(self, request: HttpRequest) -> dict[str, Any]:
        file, trial = request.FILES.get("file"), "store" not in request.POST
        form = (file.name or "").rpartition(".")[2].lower() if file else ""
        if file is None or form not in FORMATS or (file.size or 0) > FILE_BYTES:
            return {"unusable": f"Choose a .csv or .xlsx file of at most {FILE_BYTES // 1024 // 1024} MiB."}
        try:
            stored = take_file(file.read(), form, channels=self._channels(request), trial=trial)
        except Unusable as reason:
            return {"unusable": str(reason)}
        except Refused as refused:
            return {"faults": refused.faults}
        return {"stored": stored, "trial": trial}

    def _channels(self, request: HttpRequest) -> QuerySet[OrderFlowChannel]:
        """Those whose products the login may change."""
        related = self.admin_site._registry[OrderFlowChannel]
        channels: QuerySet[OrderFlowChannel] = related.get_queryset(request)
        return channels
