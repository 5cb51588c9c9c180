"""What can be done with a warehouse beside pausing it. Named in ``settings.DESTINATION_LINKS``."""

from __future__ import annotations

from django.urls import reverse

from orderflow.models import OrderFlowChannel
from orders.admin.deliveries.destination_page import Button
from orders.models import Destination


def buttons(destination: Destination) -> list[Button]:
    channel = OrderFlowChannel.objects.filter(destination=destination).first()
    if channel is None:
        return []
    return [
        Button(
            "Correct the credentials",
            "Opens the channel: its user name and password. A new password lets a stopped channel go on.",
            reverse("admin:orderflow_orderflowchannel_change", args=(channel.pk,)),
        ),
        Button(
            "Try the XML and the login",
            "Opens the warehouses' step of the onboarding page; the test there imports nothing.",
            f"{reverse('admin:orders_tenant_onboard', args=(destination.tenant_id,))}#warehouses",
        ),
    ]
