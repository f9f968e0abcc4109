"""What a rule said and when: the versions that stays and overstays name, as the log has them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from occupancy.answers import instant
from occupancy.model import Rule
from occupancy.registry import entity
from occupancy.rule_versions import version_of

if TYPE_CHECKING:
    from store.registry_documents import Entered

MOST = 1_000
"""Entries of one rule that are listed, the newest."""


def version_entered(rule_id: str, entered: Entered) -> str | None:
    """The version that an entry of the log made of the rule; None: it removed it. Raises `RegistryError`."""
    if entered.doc is None:
        return None
    rule = entity("rule", rule_id, entered.doc)
    return version_of(rule) if isinstance(rule, Rule) else None


def in_words(rule_id: str, entered: Entered) -> str:
    """One line of `baycast registry versions`."""
    version = version_entered(rule_id, entered)
    said = "removed" if version is None else f"version {version}: {json.dumps(entered.doc)}"
    return f"{entered.at:%Y-%m-%d %H:%M:%SZ} {entered.area} {entered.position} [{entered.by}] {said}"


def as_document(rule_id: str, entered: Entered) -> dict[str, object]:
    """One entry of `baycast registry versions --json`."""
    return {
        "area": entered.area,
        "position": entered.position,
        "entered_at": instant(entered.at),
        "entered_by": entered.by,
        "rule_version": version_entered(rule_id, entered),
        "document": entered.doc,
    }
