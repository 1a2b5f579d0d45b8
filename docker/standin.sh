#!/bin/sh
# Where no registry can be reached: a base image out of Debian's packages, under the name that
# docker/ uses, so that everything is built and run as it stands. Python is Debian's 3.11,
# PostgreSQL its 15.
set -eu
engine=$(dirname "$0")/engine.sh

bare() { # Debian itself, as the official images build on it
    name=docker.io/library/debian:bookworm-slim
    "$engine" image inspect $name >/dev/null 2>&1 && return
    root=$(mktemp -d)
    debootstrap --variant=minbase --include=ca-certificates,netbase,tzdata bookworm "$root" >&2
    rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/*
    tar -C "$root" -c . | "$engine" import --quiet - $name
    rm -rf "$root"
}

build() { "$engine" build --pull=never --tag "$1" --file - "$(dirname "$0")"; }

case $1 in
docker.io/library/python:3.11-*)
    bare
    build "$1" <<'END'
FROM docker.io/library/debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3-pip \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /usr/lib/python3*/EXTERNALLY-MANAGED \
    && ln -s /usr/bin/python3.11 /usr/local/bin/python \
    && ln -s /usr/bin/python3.11 /usr/local/bin/python3
CMD ["python3"]
END
    ;;
docker.io/library/postgres:*)
    bare
    build "$1" <<'END'
FROM docker.io/library/debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends postgresql \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/lib/postgresql \
    && install --directory --owner postgres --group postgres --mode 1777 /var/lib/postgresql/data
ENV PATH=/usr/lib/postgresql/15/bin:$PATH PGDATA=/var/lib/postgresql/data
COPY standin-postgres.sh /usr/local/bin/
VOLUME /var/lib/postgresql/data
STOPSIGNAL SIGINT
ENTRYPOINT ["standin-postgres.sh"]
END
    ;;
*)
    echo "$1 cannot be pulled, and there is no stand-in for it." >&2
    exit 1
    ;;
esac
