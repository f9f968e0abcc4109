"""`baycast chaos`: faults on purpose, and an auditor that believes nobody (docs/chaos.md)."""
