"""An existing Kong as YAML of ours: read, translated where the language can say the same, the rest told plainly.

    existing     Kong's entities, from its Admin API or from a file of decK's, flat and by name
    translate    services and routes as APIs, groups as grants; never more than what is there
    callers      consumers as services of tenants
    plugins      which plugin counts where
    translation  what comes out
    documents    the files

Here belongs what leads from Kong to the language. Not here: reading secrets stores, writing to Kong.
"""
