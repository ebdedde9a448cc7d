"""`python healthy.py URL`: succeeds when the URL answers well; for a container's health check."""

import sys
from urllib.request import urlopen

with urlopen(sys.argv[1], timeout=4) as answer:  # nosec B310 # the image says which URL
    sys.exit(0 if answer.status == 200 else 1)
