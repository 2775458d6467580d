#!/usr/bin/env bash
# Brings the version in this folder into service on this machine, with docker compose:
# builds it, saves the database, migrates, restarts the server, and waits until it is ready.
#
#   ./deploy.sh            what is checked out here
#
# When the new version does not get ready and no migration was applied, the one before is put
# back. After a migration it is not: the message then says where the saved database is, and README.md
# how to restore it.
set -euo pipefail
cd "$(dirname "$0")"

fail() {
    echo "deploy: $*" >&2
    exit 1
}

# The image before is the one that the next start finds, too.
put_back() {
    [[ -z $before ]] || docker tag "$before" fieldbook:latest
}

command -v docker >/dev/null || fail "docker is missing; see docs.docker.com/engine/install"
docker compose version >/dev/null 2>&1 || fail "docker compose (version 2) is missing"
[[ -f .env ]] || fail "there is no .env: copy .env.example, and set the secrets that docker-compose.yml names"
docker compose config --quiet || fail "docker-compose.yml or .env has a fault, see above"

echo "Building"
before=$(docker image inspect --format '{{.Id}}' fieldbook:latest 2>/dev/null || true)
docker compose build server

echo "Starting the databases"
docker compose up --detach --wait postgres redis

mkdir -p .data/backups
chmod 700 .data/backups
saved=".data/backups/$(date -u +%Y%m%dT%H%M%SZ).dump"
echo "Saving the database as $saved"
docker compose exec -T postgres pg_dump --username fieldbook --format custom fieldbook \
    >"$saved.unfinished" || {
    rm "$saved.unfinished"
    put_back
    fail "the database could not be saved; nothing was changed"
}
mv "$saved.unfinished" "$saved"

echo "Migrating"
migrated=$(docker compose run --rm --no-deps -T server python -m server migrate) || {
    put_back
    fail "the migration failed, and the version before goes on running"
}
echo "$migrated"

echo "Restarting the server"
if docker compose up --detach --no-deps --wait --wait-timeout 90 server; then
    docker compose ps server
    echo "Done. The database as it was before: $saved"
    exit 0
fi

docker compose logs --tail 50 server >&2
if [[ -z $before || $migrated == *"Applied migrations/"* ]]; then
    fail "the new version does not get ready, see its log above. The database was saved as $saved"
fi
echo "The new version does not get ready, see its log above: putting the one before back" >&2
put_back
docker compose up --detach --no-deps --wait --wait-timeout 90 server
fail "the version before is in service again"
