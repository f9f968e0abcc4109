"""What a bay, a zone and a car park are doing: the pure core (no clock, no I/O; `engine` is the one shell)."""
