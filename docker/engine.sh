#!/bin/sh
# Docker where its engine answers, else Podman: `docker/engine.sh run …` as either takes it.
set -eu
if docker info >/dev/null 2>&1; then
    exec docker "$@"
fi
if ! command -v podman >/dev/null; then
    echo "Neither Docker's engine nor Podman is here. In Debian: apt-get install --no-install-recommends podman runc netavark aardvark-dns catatonit debootstrap" >&2
    exit 1
fi
if [ ! -d /run/systemd/system ]; then
    CONTAINERS_CONF=$(dirname "$(realpath "$0")")/containers.conf
    export CONTAINERS_CONF BUILDAH_ISOLATION=chroot DISABLE_HC_SYSTEMD=true
fi
export BUILDAH_FORMAT=docker # the other format has no health check
exec podman "$@"
