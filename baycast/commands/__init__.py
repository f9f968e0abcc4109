"""One module per command; `baycast/cli.py` finds them."""
