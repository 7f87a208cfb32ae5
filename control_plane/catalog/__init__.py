"""The configuration language: YAML in, a Catalog or all of its problems out.

    load        read a directory: `load(directory, environment, as_of) -> Catalog`
    model       the validated catalog, frozen
    documents   the YAML's shape (pydantic), one model per kind of file; words: what one value may be
    files       which files there are; syntax: their bytes and their YAML, where they are wrong
    origins     YAML to data in which every value keeps file, line and column; source: such a file
    rosters     the same for lists of people in CSV
    shape       data held to its model; sentences: what pydantic says, in our own words
    declared    everything that the files declare, each with its place
    checks      references and rules across files
    templates   what extends what, folded; periods: dates and instants
    build       the catalog of what was declared and checked
    schema      JSON Schema of the files, for editors
    starter     the configuration that `renkei init` writes

Here belongs what the words of the language mean. Not here: anything that knows Keycloak or Kong.
"""
