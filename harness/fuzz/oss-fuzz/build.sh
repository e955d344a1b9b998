#!/bin/bash -eu
exec "$SRC/parallax/scripts/build-ossfuzz"
