"""How fast one change reaches thousands of WebSockets, beside other ways to do it."""
