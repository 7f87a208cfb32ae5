"""Whose data a grant opens: closed data to nobody else, limited data only with the owner's approval."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from control_plane.catalog.documents.roles import ScopeEntry
from control_plane.catalog.documents.tenants import GrantEntry
from control_plane.catalog.located import Located
from control_plane.problems import Problem


def check_disclosure(
    tenant: str, grant: Located[GrantEntry], scopes: Mapping[str, Located[ScopeEntry]]
) -> Iterator[Problem]:
    """Problems of one grant on data of somebody else than the tenant."""
    others = [
        (position, scopes[name])
        for position, name in enumerate(grant.value.scopes)
        if name in scopes and scopes[name].value.owner != tenant
    ]
    for position, scope in others:
        if scope.value.disclosure == "closed":
            name, owner = scope.value.scope, scope.value.owner
            note = f"'{name}' belongs to {owner} and is closed ({scope.origin('disclosure')})."
            message = f"closed data scope '{name}' is granted to another tenant"
            yield grant.problem(message, "scopes", position, note=note, help=f"only services of {owner} may have it")
    yield from _approval(grant, [scope for _, scope in others if scope.value.disclosure == "limited"])


def _approval(grant: Located[GrantEntry], limited: list[Located[ScopeEntry]]) -> Iterator[Problem]:
    owners = sorted({scope.value.owner for scope in limited})
    if not limited:
        return
    first = limited[0]
    name, owner = first.value.scope, first.value.owner
    note = f"'{name}' belongs to {owner} and is limited ({first.origin('disclosure')})."
    approval = grant.value.approval
    if len(owners) > 1:
        told = " and ".join(f"'{scope.value.scope}' to {scope.value.owner}" for scope in limited)
        message = "one grant on limited data of several owners"
        help = "write one grant for each owner, each with its approval"
        yield grant.problem(message, "scopes", note=f"Limited and belonging: {told}.", help=help)
    elif approval is None:
        help = (
            f'add the application that allowed it:\napproval: {{application: "2026-0012", by: {owner}, on: 2026-03-10}}'
        )
        yield grant.problem(f"grant on limited scope '{name}' has no approval", note=note, help=help)
    elif approval.by != owner:
        message = f"the approval for '{name}' is not its owner's"
        yield grant.problem(message, "approval", "by", note=note, help=f"only {owner} can approve it")
