"""OrderFlow in the admin: channels and products can be changed, evidence is read-only."""

from orderflow.admin import channels, products, warehouse_orders

__all__ = ["channels", "products", "warehouse_orders"]
