"""The judge of the engine: a simulated city's messages through the engine in memory, beside the truth."""
