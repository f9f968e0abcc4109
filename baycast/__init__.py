"""Composition root: settings, wiring, embedded services, supervisor, command line. No logic lives here."""
