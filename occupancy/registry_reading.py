"""What is read from one registry file, and all that is wrong in it, each by its place there. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from occupancy.registry import Entity, RegistryError, binding_of, entity, identity


@dataclass(frozen=True, slots=True)
class FileEntity:
    """One entity of a file. `source` says where it stands there, as in "bays.csv row 17"."""

    entity: Entity
    source: str


class Reading:
    """Collects the entities of one file and all that is wrong in it: nobody likes correcting in rounds."""

    def __init__(self) -> None:
        self.found: list[FileEntity] = []
        self.errors: list[RegistryError] = []

    def add(
        self, source: str, kind: str, id: str, doc: object, fields: Mapping[str, str] | None = None
    ) -> bool:
        """Parse a document; whether it is sound. `fields`: our fields as the file's columns call them."""
        try:
            self.found.append(FileEntity(entity(kind, id, doc), source))
        except RegistryError as error:
            field = (fields or {}).get(error.field or "", error.field)
            where = source if fields else f"{source}: {error.where}"
            self.errors.append(RegistryError(where, field, error.problem, error.fix))
            return False
        return True

    def add_binding(self, source: str, doc: object) -> None:
        """Parse a binding, whose id follows from its document."""
        try:
            self.found.append(FileEntity(binding_of(doc), source))
        except RegistryError as error:
            self.errors.append(error.moved_to(source))

    def error(self, source: str, field: str | None, problem: str, fix: str) -> None:
        self.errors.append(RegistryError(source, field, problem, fix))


def placed(errors: Iterable[RegistryError], found: Sequence[FileEntity]) -> list[RegistryError]:
    """What the registry says of entities ("bay queen-st-014"), with the place in the file where each stands."""
    at = {" ".join(identity(item.entity)): item.source for item in found}
    return [
        error.moved_to(f"{at[error.where]}: {error.where}") if error.where in at else error
        for error in errors
    ]
