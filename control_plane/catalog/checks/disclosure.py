"""Whose data a grant opens: closed data to nobody else, limited data only with the owner's approval."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from control_plane.catalog.documents.grants import GrantEntry
from control_plane.catalog.documents.roles import ScopeEntry
from control_plane.catalog.located import Located
from control_plane.problems import Problem


def check_disclosure(
    tenant: str | None, grant: Located[GrantEntry], scopes: Mapping[str, Located[ScopeEntry]]
) -> Iterator[Problem]:
    """Problems of one grant on data of somebody else than the tenant; None: of a role, for which all data are that.

    Closed data may be in a role's grant, with the approval: only a service of the owner can have them as well.
    """
    others = [
        (position, scopes[name])
        for position, name in enumerate(grant.value.scopes)
        if name in scopes and scopes[name].value.owner != tenant
    ]
    for position, scope in others:
        if tenant is not None and scope.value.disclosure == "closed":
            name, owner = scope.value.scope, scope.value.owner
            note = f"'{name}' belongs to {owner} and is closed ({scope.origin('disclosure')})."
            message = f"closed data scope '{name}' is granted to another tenant"
            yield grant.problem(message, "scopes", position, note=note, help=f"only services of {owner} may have it")
    asking = ("limited",) if tenant is not None else ("limited", "closed")
    yield from _approval(grant, [scope for _, scope in others if scope.value.disclosure in asking])


def _approval(grant: Located[GrantEntry], asking: list[Located[ScopeEntry]]) -> Iterator[Problem]:
    owners = sorted({scope.value.owner for scope in asking})
    if not asking:
        return
    first = asking[0]
    name, owner = first.value.scope, first.value.owner
    how = first.value.disclosure
    note = f"'{name}' belongs to {owner} and is {how} ({first.origin('disclosure')})."
    approval = grant.value.approval
    if len(owners) > 1:
        told = " and ".join(f"'{scope.value.scope}' to {scope.value.owner}" for scope in asking)
        message = f"one grant on {how} data of several owners"
        help = "write one grant for each owner, each with its approval"
        yield grant.problem(message, "scopes", note=f"They belong: {told}.", help=help)
    elif approval is None:
        help = (
            f'add the application that allowed it:\napproval: {{application: "2026-0012", by: {owner}, on: 2026-03-10}}'
        )
        yield grant.problem(f"grant on {how} scope '{name}' has no approval", note=note, help=help)
    elif approval.by != owner:
        message = f"the approval for '{name}' is not its owner's"
        yield grant.problem(message, "approval", "by", note=note, help=f"only {owner} can approve it")
