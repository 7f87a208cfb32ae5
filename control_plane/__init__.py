"""Renkei: a configuration-driven control plane for Keycloak and Kong.

    cli         parse, call, print, exit code
    app         one short function per command
    render      plans, problems and outcomes as text, JSON, Markdown
    reports     lists of users and services as CSV, Excel, HTML, JSON
    adopt       an existing Kong or Keycloak as YAML of ours
    sandbox     everything on one machine: a real Keycloak, a stand-in Kong
    keycloak    what the catalog becomes in Keycloak
    kong        what the catalog becomes in Kong
    secrets     where secrets are kept, and how they are made
    engine      want and have, the plan between them, apply; knows neither Keycloak nor Kong
    catalog     the YAML, validated; knows neither Keycloak nor Kong
    problems    what went wrong, for people

Imports point down this list only.
"""

__version__ = "0.1.0"
