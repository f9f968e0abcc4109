"""A simulated city written straight into the log, without a broker."""
