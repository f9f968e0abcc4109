"""Registry documents as files: read, checked, written."""
