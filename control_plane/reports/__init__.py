"""The lists that the platform's officers ask for: who the users are, which services are connected, who uses which API.

    factors   the second factor of a person
    live      what of the servers' state the lists need
    report    a list: columns, rows, evidence, and the digest of its content
    evidence  what a list says of itself
    paths     by which way a person comes to a role
    words     what the cells say, in Japanese and in English
    users     one row per account, with every role and the path by which it came
    services  one row per service and grant
    apis      one row per version of an API and grant on it
    consents  how many people have consented to what; who, where that is asked for
    subjects  each account with the id by which a service of ids of its own knows it
    formats   a list as bytes: csv, xlsx, html, json

Here belongs what turns a catalog and the state of the servers into a list. Not here: reading servers, writing files,
text for terminals.
"""

from control_plane.reports.apis import apis
from control_plane.reports.consents import consents, of_people
from control_plane.reports.formats import FORMATS, file_name, render
from control_plane.reports.live import (
    Consent,
    Factor,
    Live,
    LiveService,
    LiveUser,
    from_state,
    with_consents,
    with_factors,
    with_logins,
)
from control_plane.reports.report import Count, Report, Source
from control_plane.reports.services import services
from control_plane.reports.subjects import subjects
from control_plane.reports.users import users

LISTS = {"users": users, "services": services, "apis": apis, "consents": consents, "subjects": subjects}
WHO = {"consents": of_people}  # the same by person

__all__ = [
    "FORMATS",
    "LISTS",
    "WHO",
    "Consent",
    "Count",
    "Factor",
    "Live",
    "LiveService",
    "LiveUser",
    "Report",
    "Source",
    "apis",
    "consents",
    "file_name",
    "from_state",
    "render",
    "services",
    "subjects",
    "users",
    "with_consents",
    "with_factors",
    "with_logins",
]
