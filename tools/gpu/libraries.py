"""Where our programs find shared libraries: in CHRONOS2_LIBRARIES, which check.sh sets, before the folders that are searched
anyway. Python has libraries of its own."""

import os


def environment():
    """The variable to set for our programs; none without CHRONOS2_LIBRARIES."""
    ours, before = os.environ.get("CHRONOS2_LIBRARIES"), os.environ.get("LD_LIBRARY_PATH")
    return {"LD_LIBRARY_PATH": ":".join(filter(None, (ours, before)))} if ours else {}
