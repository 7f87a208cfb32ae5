"""A stand-in for Kong Gateway 3.9.3 on loopback: Admin API and proxy, for the sandbox, for tests and for training.

What it is: a server that answers as a real Kong was recorded to answer (`tests/kong_contract/`), for the entities and
plugins that renkei uses. Every answer's `Server` header, its start-up line and `GET /` say that it stands in.

What it is not: a gateway. No TLS for its callers, no database, no cluster, no plugin besides those in `proxy/plugins/`;
entities live in memory (and, if asked, in one JSON file). Never let it listen on anything but loopback: like Kong's own
Admin API, it asks nobody who he is. Schemas come from the recording; a plugin or an entity that was not recorded is
unknown here; that of CA certificates is written after Kong's sources. Certificates take no `snis`, bodies no
multipart forms; vaults, keys and key sets are empty.

    store.py       entities with their indexes; the proxy reads what the Admin API writes
    schemas/       Kong's own schemas, as `GET /schemas/…` of a real Kong answers them
    schema.py      these, made ready for validate.py, the interpreter of their language (rules.py, luapattern.py)
    checks.py      what Kong checks in Lua and its schemas do not show; entity_checks.py for several fields at once
    writes.py      create, replace, change, delete, or a refusal from errors.py
    admin/         the Admin API over HTTP
    proxy/         the data plane
    server.py      starts both
"""
