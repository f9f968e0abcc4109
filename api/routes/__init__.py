"""The routes by who asks: drivers, signs, operators, and the page for people."""
