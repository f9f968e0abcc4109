"""The gate agent: runs at a car park, turns cameras' plates into tokens, and sends passages. Plates end here (L10)."""
