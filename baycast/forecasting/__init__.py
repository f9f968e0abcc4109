"""Learning, judging and serving forecasts as a process; the numerics are in `occupancy.forecast`."""
