"""What a zone will probably look like when somebody arrives. Pure: time is an argument (L7)."""
