"""The wire between devices and baycast: topics, messages, encode and decode, JSON Schema, golden vectors.

`README.md` states the contract for people who write firmware. This room knows nothing of bays, zones or SQL,
and does no I/O beyond reading its own vectors.
"""
