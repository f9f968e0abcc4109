"""`python -m baycast` is the same as `baycast`."""

import sys

from baycast.cli import main

sys.exit(main())
