"""`python -m benchmarks [FOLDER]`: every benchmark, over a folder that holds `_posts` (default: the sample site)."""

import os
import sys
from pathlib import Path

from benchmarks import whole_path

# One core, so that the figures mean the same everywhere.
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

whole_path.main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "examples" / "site")
