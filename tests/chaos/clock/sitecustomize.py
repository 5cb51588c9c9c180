"""Python imports this at its start where tests/chaos puts it on the path: the process lives at another time of day.

Only the time of day is off, as on a host whose clock was set wrong; time.monotonic() goes on as it is.
"""

import os
import time

import time_machine

time_machine.travel(time.time() + float(os.environ["CHAOS_CLOCK_OFF"]), tick=True).start()
