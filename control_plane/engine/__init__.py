"""Want, have, and the changes between them; the same engine for every target.

    values      what a field may hold: scalars, tuples, sets, mappings, references
    resource    one object of a target, by name
    kind        what a target knows of one sort of object: desired, read, create, update, delete, order
    target      a client and its kinds
    read        the state that is there, completely or not at all
    plan        two states to the changes between them, in waves; pure
    safety      what a plan may not do unasked
    fingerprint the plan as a short text that says whether two plans are the same
    apply       the waves of a plan, one outcome per change

Here belongs what is true for Keycloak and Kong alike. Not here: HTTP, server ids, YAML, printing.
"""
