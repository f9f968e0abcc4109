"""How many snapshots a second one process serves, beside other ways to serve the same bytes."""
