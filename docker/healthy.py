#!/opt/clv/bin/python
"""Whether a server in this container answers: `healthy :8000/livez` ends with 0, or with 1."""

import sys
import urllib.request

try:
    urllib.request.urlopen(f"http://127.0.0.1{sys.argv[1]}", timeout=3)
except OSError as cause:
    sys.exit(str(cause))
