"""`baycast chaos feed`: API processes are killed under listeners, and what each was told is audited (docs/chaos.md)."""
