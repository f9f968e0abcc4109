"""Which version of a rule something was judged by: a fingerprint of what the version says.

Pure. It is a function of the rule alone, so that any order of arrival and every rebuild give the same (L3), and a rule
that is put back as it was is the version that it was. When a rule ends is left out: to end one changes nothing for
what came before, and stays of that time stand.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from functools import lru_cache

from occupancy.model import Rule
from occupancy.registry import document

_DIGEST_BYTES = 6
"""Twelve hexadecimal digits: enough to tell the few versions of one rule apart, short enough to be read out."""


@lru_cache(maxsize=4096)
def version_of(rule: Rule) -> str:
    """The fingerprint of what the rule says, in hexadecimal digits."""
    said = json.dumps(document(replace(rule, valid_to=None)), sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(said.encode(), digest_size=_DIGEST_BYTES).hexdigest()
