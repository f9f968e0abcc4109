"""What other systems read, one file per standard."""
