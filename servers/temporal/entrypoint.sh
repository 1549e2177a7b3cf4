#!/bin/sh
# Makes the databases that the server's own environment names (DBNAME, VISIBILITY_DBNAME at POSTGRES_SEEDS), once in the life
# of a container, and becomes the server. A later start is the server alone: nothing else delays its return.
set -eu

made=/var/lib/temporal/made
export SQL_PLUGIN="$DB" SQL_HOST="$POSTGRES_SEEDS" SQL_PORT="$DB_PORT" SQL_USER="$POSTGRES_USER" SQL_PASSWORD="$POSTGRES_PWD"

# Each step does nothing where it was done: a start that was cut off is made up for by the next.
make_tables() {
  temporal-sql-tool --database "$1" setup-schema -v 0.0
  temporal-sql-tool --database "$1" update-schema --schema-name "postgresql/v12/$2"
}

if [ ! -e "$made" ]; then
  # PostgreSQL listens before it takes queries. Whoever starts the container says how long is too long.
  until temporal-sql-tool --database "$DBNAME" create-database; do sleep 0.1; done
  temporal-sql-tool --database "$VISIBILITY_DBNAME" create-database
  make_tables "$DBNAME" temporal
  make_tables "$VISIBILITY_DBNAME" visibility
  touch "$made"
fi
exec temporal-server --allow-no-auth start
