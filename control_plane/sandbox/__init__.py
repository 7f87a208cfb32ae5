"""Everything on one machine, to try it: a real Keycloak, a stand-in Kong and an echoing upstream, all on loopback.

    run           up, down, status: the sandbox of one configuration directory
    state         what a sandbox remembers between two commands, and how to reach it
    watchdog      stops a sandbox that somebody forgot
    keycloak      one Keycloak: its home, its start, the two accounts that it gets
    distribution  the Keycloak that all sandboxes of a user share: fetched, built, with a prepared database
    kong          the stand-in Kong
    echo          the upstream that answers with what it got
    java          a Java that fits
    downloads     files from elsewhere, never half of one
    processes     children that outlive us, and that are stopped only when they are ours
    cache, memory, ports, progress

Nothing here belongs into production. It runs on Linux and macOS.
"""
