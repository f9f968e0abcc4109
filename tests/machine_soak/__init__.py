"""Sequences of the engine's state machine by the hundred thousand: `python -m tests.machine_soak --help`."""
