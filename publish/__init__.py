"""Tells the world over MQTT: retained live zones, and frames for the signs."""
