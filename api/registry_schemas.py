"""What is sent and told of the registry."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.params import AdminPage, Nothing

Kind = Literal["area", "calendar", "rule", "zone", "bay", "sensor", "gate", "binding", "legend", "sign"]
KINDS: tuple[str, ...] = Kind.__args__  # type: ignore[attr-defined]


History = Annotated[
    str | None,
    Field(
        description="`recomputed from the beginning`, or from an instant: figures of the past, final ones too, may be "
        "told otherwise from there on; null: the past stays as it is"
    ),
]


class RegistryPage(AdminPage):
    kind: Kind | None = Field(None, description="Only documents of this kind")
    after: (
        Annotated[str, Field(max_length=300, pattern="^[a-z]+/[^\\u0000-\\u001f\\u007f-\\u009f]+$")] | None
    ) = Field(None, description="Go on after this one: `next` of the answer before")


class RegistryImport(Nothing):
    dry_run: bool = Field(default=False, description="Only tell what is wrong, or what would change")


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RegistryDocument(_Shape):
    kind: Kind
    id: str
    area: str
    version: int = Field(description="Its ETag, without quotes, for If-Match; changes with it")
    document: dict[str, Any] = Field(description="docs/registry.md")


class RegistryDocuments(_Shape):
    """By kind and id."""

    documents: list[RegistryDocument]
    next: str | None = Field(description="Give it as `after` for the next page; null: this was the last")


class RegistryChanged(RegistryDocument):
    changed: bool = Field(description="false: it was like that already")
    history: History


class RegistryRemoved(_Shape):
    kind: Kind
    id: str
    history: History


class AreaImported(_Shape):
    area: str
    changed: int
    unchanged: int
    documents: list[str] = Field(description="Those that changed, as kind/id; the first hundred")
    history: History


class RegistryImported(_Shape):
    dry_run: bool
    areas: list[AreaImported]


class RuleVersion(_Shape):
    area: str
    position: int = Field(description="In the area's log")
    entered_at: datetime
    entered_by: str
    rule_version: str | None = Field(description="As overstays name it; null: the rule was removed")
    document: dict[str, Any] | None


class RuleVersions(_Shape):
    """The newest first."""

    versions: list[RuleVersion]
