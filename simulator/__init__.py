"""A seeded city with ground truth, its devices and their wire. Imports `firmware_contract` only: it judges
the engine."""
