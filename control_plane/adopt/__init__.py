"""What exists as YAML of ours: read, translated where the language can say the same, the rest told plainly.

    existing     Kong's entities, from its Admin API or from a file of decK's, flat and by name
    translate    services and routes as APIs, groups as grants; never more than what is there
    callers      consumers as services of tenants
    plugins      which plugin counts where
    translation  what comes out
    baselines    the settings of a realm of Keycloak's as a template
    realms       its roles, groups, people and clients as a draft
    doors        its identity providers, and the mail server, likewise
    holding      what of the draft is taken over: that of which a plan changes nothing but the mark
    documents    the files

Here belongs what leads from a server to the language. Not here: reading secrets stores, writing to a server.
"""
