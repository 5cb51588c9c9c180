"""The hub's program, with an import that takes as long as on a busy machine."""

import os
import time

time.sleep(float(os.environ["CHAOS_LOAD_SECONDS"]))

from config.wsgi import application  # noqa: E402

__all__ = ["application"]
