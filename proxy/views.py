"""``proxy-config`` and its drift (docs/reference/api.md#proxy-configuration)."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from orders.api.parameters import one_of, read_parameters
from orders.api.schema import Answer, Body, Operation
from orders.api.views import ApiView
from orders.integrations.self_test import Step
from orders.models import Tenant
from orders.values.instants import instant
from orders.values.problems import Conflict, NotFound, VerificationFailed
from proxy import drift, schema
from proxy.bodies import config_of
from proxy.connection_test import ConnectionTest
from proxy.credentials import masked, opened, store, wait_until_everywhere
from proxy.models import ContractDrift, ProxyConfig

PROXY = "Proxy configuration"
SCOPE = "proxy-config:write"


class NotVerified(VerificationFailed):
    """The steps that were tried, the last of which failed."""

    def __init__(self, steps: list[Step]) -> None:
        super().__init__(f"Nothing was stored. {steps[-1].step}: {steps[-1].detail}")
        self.steps = steps

    def as_json(self, correlation_id: str) -> dict[str, Any]:
        return {**super().as_json(correlation_id), "verification": [step.as_json() for step in self.steps]}


class ProxyConfigView(ApiView):
    @Operation(
        id="getProxyConfig",
        summary="Read the configuration of the external service",
        tag=PROXY,
        scope=SCOPE,
        answers={200: Answer("As stored, secrets masked", schema.StoredProxyConfig)},
        problems=(NotFound,),
    )
    def get(self, request: Request) -> Response:
        """The stored configuration, its secret masked."""
        read_parameters(request, {})
        config = ProxyConfig.objects.filter(tenant_id=self.caller.tenant.pk).first()
        if config is None:
            raise NotFound("No credentials of the external service are set.")
        return Response(masked(config))

    @Operation(
        id="putProxyConfig",
        summary="Set the credentials of the external service",
        tag=PROXY,
        scope=SCOPE,
        query={"verify": schema.Verify},
        body=Body(schema.ProxyConfig),
        answers={200: Answer("As stored, secrets masked", schema.StoredProxyConfig)},
        problems=(Conflict, VerificationFailed),
    )
    def put(self, request: Request) -> Response:
        """Store the credentials; with ``verify=true`` only when they work."""
        verifying = read_parameters(request, {"verify": one_of("true", "false")}).get("verify") == "true"
        body = config_of(request.data)
        tenant = Tenant.objects.get(pk=self.caller.tenant.pk)
        if tenant.mode == Tenant.Mode.EVENTS:
            raise Conflict("The tenant is in events mode; ask the hub's operators for proxy or migrating mode first.")
        config = ProxyConfig(tenant=tenant, type=body.type, public=body.public, set_by=ProxyConfig.SetBy.TENANT)
        steps = list(ConnectionTest(tenant, opened(config, body.secret, tenant=tenant)).run()) if verifying else []
        if steps and not steps[-1].ok:
            raise NotVerified(steps)
        if store(config, body.secret, reason=f"API client {self.caller.client.client_id}"):
            wait_until_everywhere()
        verification = {"verification": [step.as_json() for step in steps]} if verifying else {}
        return Response({**masked(config), **verification})


class DriftView(ApiView):
    @Operation(
        id="getContractDrift",
        summary="Read where the external service leaves the contract",
        tag=PROXY,
        scope=SCOPE,
        answers={200: Answer("What was seen", schema.DriftList)},
    )
    def get(self, request: Request) -> Response:
        """Places where answers differ from the contract; ``found`` is a type, never a value."""
        read_parameters(request, {})
        drift.write()
        rows = ContractDrift.objects.filter(tenant_id=self.caller.tenant.pk)
        return Response({"drift": [_shown(row) for row in rows[: drift.ROWS_PER_TENANT]]})


def _shown(row: ContractDrift) -> dict[str, Any]:
    return {
        "pointer": row.pointer,
        "expected": row.expected,
        "found": row.found,
        "firstSeen": instant(row.first_seen_at),
        "lastSeen": instant(row.last_seen_at),
        "count": row.count,
    }
