"""The registry of one area: what is where and what holds there. This module is its whole public surface.

Documents (JSON) become entities of `model` by `entity` and go back by `document`. A `Registry` is plain
state that documents are put into and taken out of, in any order; `Registry.problems` says what does not fit
together.
"""

from __future__ import annotations

from occupancy.registry_contents import Contents
from occupancy.registry_documents import KINDS, binding_id, binding_of, document, entity, identity
from occupancy.registry_fields import RegistryError, RegistryRefused, format_instant, is_driver
from occupancy.registry_problems import problems_of
from occupancy.registry_readers import Entity
from occupancy.registry_signs import SIGN_STATES

__all__ = [
    "KINDS",
    "SIGN_STATES",
    "Entity",
    "Registry",
    "RegistryError",
    "RegistryRefused",
    "binding_id",
    "binding_of",
    "document",
    "entity",
    "format_instant",
    "identity",
    "is_driver",
]


class Registry(Contents):
    """One area's registry: see `Contents` for what can be read from it."""

    def problems(self) -> list[RegistryError]:
        """Whatever does not fit together, in a stable order; empty: the registry is sound."""
        return problems_of(self)
