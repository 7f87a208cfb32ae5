"""The configuration language: YAML in, a Catalog or all of its problems out.

    load        read a directory: `load(directory, environment, as_of) -> Catalog`
    model       the validated catalog, frozen
    documents   the YAML's shape (pydantic), one model per kind of file
    origins     YAML to data in which every value keeps file, line and column
    checks      references and rules across files

Here belongs what the words of the language mean. Not here: anything that knows Keycloak or Kong.
"""
