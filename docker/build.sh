#!/bin/sh
# The image, from bases out of a registry, or from stand-ins where none can be reached.
set -eu
cd "$(dirname "$0")/.."
for base in $(sed -n 's/^FROM \([^ ]*:[^ ]*\).*/\1/p' docker/Dockerfile | sort -u) \
    $(sed -n 's/^ *image: \([^ ]*:[^ ]*\)$/\1/p' docker/docker-compose.yml); do
    docker/engine.sh image inspect "$base" >/dev/null 2>&1 ||
        docker/engine.sh pull --quiet "$base" ||
        docker/standin.sh "$base"
done
if [ -n "${SSL_CERT_FILE:-}" ]; then
    set -- --secret "id=certificates,src=$SSL_CERT_FILE" "$@"
fi
docker/engine.sh build --file docker/Dockerfile --tag clv-forecaster "$@" .
