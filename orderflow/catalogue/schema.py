"""How the products' endpoint appears in the OpenAPI document."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from orderflow.catalogue.product_documents import MOST_TEXT, NUMBER_TEXT
from orderflow.models import Product as Stored
from orderflow.site.import_documents import REFERENCE_LIMIT
from orders.documents.value_types import Id, Model, OpenModel, member, optional


def _text(at_most: int) -> Any:
    """What XML can carry."""
    return Field(max_length=at_most, pattern=r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]*$")


Amount = Annotated[float, Field(gt=-1e31, lt=1e31)]
Number = Amount | Annotated[str, Field(pattern=NUMBER_TEXT)]
Text100 = Annotated[str, _text(100)]
Text120 = Annotated[str, _text(120)]
Text255 = Annotated[str, _text(255)]
Value = Annotated[str, _text(MOST_TEXT)] | Amount | bool
Status = Annotated[str, Field(json_schema_extra={"enum": Stored.Status.values})]


class Product(Model):
    external_reference: Text120 = optional("The item's id, as in the path.", "BEAN-1", min_length=1)
    description: Text120 = member("What the product is called.", "Green beans", min_length=1)
    weight: Number = optional("The weight of one.", "100")
    weight_units: Value = optional("What the weight counts.", "grams")
    quantity_on_order: Number = optional("How many the warehouse is to receive.", 40)
    image_reference: Text120 | Amount | bool = optional("The reference of its picture.", "bean-1.png")
    type: Text120 | Amount | bool = optional("Its kind; default where absent.", "default")
    price_net: Number = optional("The price of one without tax.", "15.96")
    price_gross: Number = optional("The price of one with tax.", "19.95")
    tax: Number = optional("The tax in the price of one.", "3.99")
    tax_code: Value = optional("The code of the tax.", "T1")
    currency: Value = optional("The currency of the prices.", "GBP")
    currency_units: Value = optional("What the prices count.", "pounds")
    user_defined1: Value = optional("For a use of your own.", "web")
    user_defined2: Value = optional("For a use of your own.", "web")
    user_defined3: Value = optional("For a use of your own.", "web")
    user_defined4: Value = optional("For a use of your own.", "web")
    user_defined5: Value = optional("For a use of your own.", "web")
    activated: Value = optional("Whether it can be ordered; true where absent.", True)
    barcode: Text120 | Amount | bool = optional("Its barcode.", "5701234567899")
    third_party_reference: Text100 | Amount | bool = optional("Its id in a third system.", "TP-1")
    harmonised_system_code: Text255 | Amount | bool = optional("Its customs tariff number.", "07082200")
    customs_description: Text255 | Amount | bool = optional("What customs are told that it is.", "Beans, fresh")
    country_of_origin: Value = optional("Where it comes from.", "DK")
    length: Number = optional("The length of one.", 20)
    width: Number = optional("The width of one.", 10)
    height: Number = optional("The height of one.", 5)
    category: Value = optional("The group that it belongs to.", "Vegetables")
    colour: Value = optional("Its colour.", "green")
    size: Value = optional("Its size.", "M")


class AcceptedProduct(OpenModel):
    sku: str = member("The item's id at the warehouse.", "BEAN-1")
    status: Status = member("Whether the warehouse has taken it.", "pending")


class StoredProduct(AcceptedProduct):
    failure: str | None = member("Why the warehouse refused it, or null.", None)
    properties: dict[str, str] = member("Its properties by OrderFlow's names.", {"description": "Green beans"})


PLACE = {
    "channel": Annotated[str, member("The OrderFlow channel's id.", "main")],
    "sku": Annotated[
        Id, member("The item's id at the warehouse.", "BEAN-1", json_schema_extra={"maxLength": REFERENCE_LIMIT})
    ],
}
