"""What the commands do, without parsing and printing.

    systems     the servers of an environment: addresses, credentials, clients, the secret store
    run         one run: catalog, want, have, and the plan between them
    validate    is the configuration right, in every environment?
    expect      is this plan the one that was reviewed?
    apply       make the plan real, read again, say what did not hold
    listing     the lists of users and services
    can         who may do what, from the configuration alone
    doctor      is everything there that a run needs?
    bootstrap   our own account in Keycloak, made by an administrator
    start       a minimal configuration to begin with
    schemas     JSON Schema for editors, as files
    revision    which Git commit a configuration is

Each takes and returns values. The command line prints them.
"""
