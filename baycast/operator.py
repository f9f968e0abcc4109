"""Who works at this terminal, for the audit log."""

import os
import pwd


def operator() -> str:
    """The account this process runs under, as the system knows it: variables such as USER say what one likes."""
    uid = os.getuid()
    try:
        return f"user {pwd.getpwuid(uid).pw_name}"
    except KeyError:  # in a container there may be no such account
        return f"user {uid}"
