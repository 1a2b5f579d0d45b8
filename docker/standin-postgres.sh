#!/bin/sh
# What of the official image's first start the compose file counts on: docker/standin.sh.
set -eu
mkdir -p /run/postgresql
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    printf %s "$POSTGRES_PASSWORD" >/tmp/password
    initdb --encoding UTF8 --username "$POSTGRES_USER" --pwfile /tmp/password --auth-local trust --auth-host scram-sha-256
    rm /tmp/password
    echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
    echo "CREATE DATABASE $POSTGRES_DB" | postgres --single -j postgres
fi
exec postgres -c listen_addresses='*'
