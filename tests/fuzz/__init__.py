"""A seeded mutation fuzzer for whatever reads what others wrote: `python -m tests.fuzz` (`make soak`)."""
