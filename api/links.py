"""OpenAPI links: which answer names what another route is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final


def _to(method: str, path: str, said: str, **parameters: str) -> dict[str, Any]:
    """A link; `parameters` are runtime expressions, as in $response.body#/next."""
    pointer = path.replace("~", "~0").replace("/", "~1")
    return {
        "operationRef": f"#/paths/{pointer}/{method.lower()}",
        "description": said,
        "parameters": parameters,
    }


_ZONE: Final = "/v1/zones/{zone_id}"
_SIGN: Final = "/v1/signs/{sign_id}"
_OVERRIDE: Final = "/v1/admin/overrides/{override_id}"
_REFUSED: Final = "/v1/admin/quarantine/{quarantine_id}"
_DOCUMENT: Final = "/v1/admin/registry/{kind}/{document_id}"
_VERSIONS: Final = "/v1/admin/registry/rule/{rule_id}/versions"
_NEXT: Final = "$response.body#/next"


def _of_zone(pointer: str) -> dict[str, Any]:
    """Everything that can be asked of one zone."""
    zone_id = {"zone_id": f"$response.body#{pointer}"}
    return {
        "zone": _to("GET", _ZONE, "One of the zones", **zone_id),
        "bays": _to("GET", f"{_ZONE}/bays", "Its bays", **zone_id),
        "forecast": _to("GET", f"{_ZONE}/forecast", "What to expect there", **zone_id),
    }


def _of_document(pointer: str) -> dict[str, Any]:
    """Everything that can be done to one document of the registry."""
    named = {
        "kind": f"$response.body#{pointer}/kind",
        "document_id": f"$response.body#{pointer}/id",
    }
    return {
        "document": _to("GET", _DOCUMENT, "One document", **named),
        "remove": _to("DELETE", _DOCUMENT, "Take it out", **named),
    }


LINKS: Final[Mapping[tuple[str, str], Mapping[str, Mapping[str, Any]]]] = {
    ("GET", "/v1/zones"): {
        "200": {
            **_of_zone("/zones/0/id"),
            "next": _to("GET", "/v1/zones", "The next page", after=_NEXT),
        }
    },
    ("GET", f"{_ZONE}/bays"): {
        "200": {
            "next": _to(
                "GET", f"{_ZONE}/bays", "The next page", zone_id="$request.path.zone_id", after=_NEXT
            ),
        }
    },
    ("GET", "/v1/signs"): {
        "200": {
            "sign": _to("GET", _SIGN, "One of the signs", sign_id="$response.body#/signs/0/id"),
            "frame": _to("GET", f"{_SIGN}/frame", "What it may show", sign_id="$response.body#/signs/0/id"),
            "mode": _to(
                "GET", f"{_SIGN}/mode", "Who says what it shows", sign_id="$response.body#/signs/0/id"
            ),
        }
    },
    ("GET", _SIGN): {
        "200": {
            "frame": _to("GET", f"{_SIGN}/frame", "What it may show", sign_id="$request.path.sign_id"),
            "preview": _to(
                "GET", f"{_SIGN}/preview", "What it would show on auto", sign_id="$request.path.sign_id"
            ),
            "zone": _to("GET", _ZONE, "What it stands for", zone_id="$response.body#/zones/0"),
        }
    },
    ("GET", "/interop/utmc/carpark/static"): {
        "200": {"zone": _to("GET", _ZONE, "One of them", zone_id="$response.body#/0/systemCodeNumber")}
    },
    ("GET", "/v1/admin/keys"): {"200": {"next": _to("GET", "/v1/admin/keys", "The next page", after=_NEXT)}},
    ("GET", "/v1/admin/audit"): {
        "200": {"next": _to("GET", "/v1/admin/audit", "The next page", before=_NEXT)}
    },
    ("GET", "/v1/admin/overrides"): {
        "200": {
            "withdraw": _to("DELETE", _OVERRIDE, "End it", override_id="$response.body#/overrides/0/id"),
            "next": _to("GET", "/v1/admin/overrides", "The next page", after=_NEXT),
        }
    },
    ("POST", "/v1/admin/overrides"): {
        "200": {"withdraw": _to("DELETE", _OVERRIDE, "End it", override_id="$response.body#/override/id")}
    },
    ("GET", "/v1/admin/quarantine"): {
        "200": {
            "one": _to(
                "GET", _REFUSED, "With its whole payload", quarantine_id="$response.body#/refused/0/id"
            ),
            "next": _to("GET", "/v1/admin/quarantine", "The next page", before=_NEXT),
        }
    },
    ("POST", "/v1/admin/quarantine"): {
        "200": {"one": _to("GET", _REFUSED, "What became of it", quarantine_id="$response.body#/ids/0")}
    },
    ("GET", "/v1/admin/registry"): {
        "200": {
            **_of_document("/documents/0"),
            "next": _to("GET", "/v1/admin/registry", "The next page", after=_NEXT),
        }
    },
    ("PUT", _DOCUMENT): {
        "200": {
            **_of_document(""),
            "versions": _to("GET", _VERSIONS, "Of a rule: all it said", rule_id="$response.body#/id"),
        }
    },
}
