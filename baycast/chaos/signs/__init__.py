"""`baycast chaos --profile signs`: every link to the signs is cut, and what they showed is audited (docs/chaos.md)."""
