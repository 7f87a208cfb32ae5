"""A synthetic platform of a chosen size, as files: what the benchmarks load, plan and apply.

    python benchmarks/synthetic.py DIRECTORY --users 10000 --services 1000 --tenants 490

Everything in it is made from numbers: the same sizes give the same files.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

PLATFORM = "synthetic"
RENKEI = """\
platform: synthetic
title: 計測用データ連携基盤
locale: ja
timezone: Asia/Tokyo
limits: {deletes: 100}
environments:
  sandbox: {}
"""
TEMPLATES = """\
realm_templates:
  - template: staff
    mfa: {required: everyone, factors: [totp]}
    password: {length: 12, upper: 1, lower: 1, digits: 1, not_username: true}
    brute_force: {failures: 5, wait: 5m}
api_plans:
  - plan: standard
    levels:
      read: {minute: 900}
      update: {minute: 300}
"""
API = """\
api: {api}
title: 計測用 API {number}
owner: {owner}
upstream: upstream-{number}
auth: [api-key, token]
scoping: fiware-headers
plan: standard
versions:
  - {{version: v1, path: /{api}/v1, state: deprecated, sunset: 2030-03-31, successor: v2}}
  - {{version: v2, path: /{api}/v2, state: published, upstream_path: /v2}}
levels:
  read: {{methods: [GET, HEAD]}}
  update: {{methods: [POST, PUT, PATCH, DELETE]}}
"""

KEYS_API = """\
api: {api}
title: 計測用 API {number}
owner: {owner}
upstream: upstream-{number}
auth: [api-key]
scoping: none
versions:
  - {{version: v1, path: /{api}/v1, state: published}}
levels:
  read: {{methods: [GET, HEAD]}}
"""


@dataclass(frozen=True)
class Size:
    users: int = 10_000
    services: int = 1_000
    tenants: int = 487
    apis: int = 10
    roles: int = 20
    scopes: int = 50
    realms: int = 10  # tenants with a realm of their own; the others share theirs
    strangers: int = 0  # people in the first realm whom nobody declares: then the list of users is measured, no more
    keys: bool = False  # one version and one level per API, keys alone: seven objects in Kong for each, no Keycloak

    @property
    def only(self) -> tuple[str, ...]:
        """What is measured of the platform, as `--only` takes it."""
        return ("kong",) if self.keys else ()

    @property
    def files(self) -> int:
        return 3 + self.tenants + self.apis


SIZES = {
    "small": Size(users=50, services=10, tenants=5, apis=2, roles=6, scopes=5, realms=2),
    "medium": Size(users=1_000, services=100, tenants=50, apis=10, realms=5),
    "large": Size(),
    "realms": Size(services=1_000, tenants=500, realms=50),
    "people": Size(users=10, services=2, tenants=1, apis=2, roles=6, scopes=2, realms=1, strangers=100_000),
    "keys": Size(users=0, services=10_000, tenants=100, apis=100, roles=1, scopes=1, realms=1, keys=True),
    "apis": Size(users=0, services=0, tenants=1, apis=1_000, roles=1, scopes=1, realms=1, keys=True),
}


def write(directory: Path, size: Size) -> None:
    """Write the platform into an empty or new directory."""
    for folder in ("tenants", "apis", "roles", "templates"):
        (directory / folder).mkdir(parents=True, exist_ok=True)
    (directory / "renkei.yaml").write_text(RENKEI, encoding="utf-8")
    (directory / "templates/realms.yaml").write_text(TEMPLATES, encoding="utf-8")
    (directory / "roles/platform.yaml").write_text(_roles(size), encoding="utf-8")
    for number in range(size.apis):
        text = (KEYS_API if size.keys else API).format(
            api=f"api-{number:02}", number=number, owner=_tenant(number % size.tenants)
        )
        (directory / f"apis/api-{number:02}.yaml").write_text(text, encoding="utf-8")
    for number in range(size.tenants):
        (directory / f"tenants/{_tenant(number)}.yaml").write_text(_tenant_file(number, size), encoding="utf-8")


def _tenant(number: int) -> str:
    return f"city-{number:04}"


def _share(total: int, parts: int, number: int) -> range:
    """The numbers that fall to one part, all parts together giving all."""
    return range(total * number // parts, total * (number + 1) // parts)


def _roles(size: Size) -> str:
    lines = ["roles:"]
    for number in range(size.roles):
        mfa = "required" if number % 3 == 0 else "none"
        includes = f", includes: [role-{number - 1:02}]" if number % 4 == 1 else ""
        lines.append(f"  - {{role: role-{number:02}, title: 役割{number}, mfa: {mfa}{includes}}}")
    lines.append("data_scopes:")
    for number in range(size.scopes):
        owner = _tenant(number % size.tenants)
        lines.append(f"  - scope: scope-{number:02}")
        lines.append(f"    title: データ範囲{number}")
        lines.append(f"    owner: {owner}")
        lines.append("    disclosure: open")
        lines.append(f"    fiware: {{service: synthetic, paths: [/scope_{number}/#]}}")
    return "\n".join(lines) + "\n"


def _tenant_file(number: int, size: Size) -> str:
    name = _tenant(number)
    own = number < size.realms
    realm = "{template: staff}" if own else f"{{shared: {_tenant(number % size.realms)}}}"
    lines = [f"tenant: {name}", f"title: 計測市{number}", "type: municipality", f"realm: {realm}", "groups:"]
    for group in range(3):
        roles = f"role-{(number + group) % size.roles:02}"
        lines.append(f"  - {{group: group-{group}, title: 計測課{group}, roles: [{roles}]}}")
    if users := _share(size.users, size.tenants, number):
        lines.append("users:")
        lines += [_user(user) for user in users]
    if services := _share(size.services, size.tenants, number):
        lines.append("services:")
        lines += [line for service in services for line in _service(service, size)]
    return "\n".join(lines) + "\n"


def _user(number: int) -> str:
    until = ", until: 2030-03-31" if number % 5 == 0 else ""
    return (
        f"  - {{username: staff-{number:06}, family_name: 計測, given_name: 職員{number}, "
        f"email: staff-{number:06}@example.jp, groups: [group-{number % 3}]{until}}}"
    )


def _service(number: int, size: Size) -> list[str]:
    if size.keys:
        return _service_with_a_key(number, size)
    scope = f"scope-{number % size.scopes:02}"
    levels = "[read, update]" if number % 4 == 0 else "[read]"
    portal = [f"    redirect_uris: [https://service-{number:05}.example.jp/login]"] if number % 22 == 0 else []
    return [
        f"  - service: service-{number:05}",
        f"    title: 計測サービス{number}",
        "    auth: [api-key]" if number % 2 else "    auth: [api-key, token]",
        *portal,
        "    allowed_ips: [192.0.2.0/24]",
        "    grants:",
        f"      - {{api: api-{number % size.apis:02}, levels: {levels}, scopes: [{scope}], until: 2030-03-31}}",
        f"      - {{api: api-{(number + 1) % size.apis:02}, levels: [read], versions: [v2], scopes: [{scope}]}}",
    ]


def _service_with_a_key(number: int, size: Size) -> list[str]:
    apis = {f"api-{other % size.apis:02}" for other in (number, number + 1)}
    return [
        f"  - service: service-{number:05}",
        f"    title: 計測サービス{number}",
        "    auth: [api-key]",
        "    grants:",
        *(f"      - {{api: {api}, levels: [read], until: 2030-03-31}}" for api in sorted(apis)),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", type=Path)
    for name, default in vars(Size()).items():
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = vars(parser.parse_args())
    directory: Path = asked.pop("directory")
    size = Size(**asked)
    write(directory, size)
    print(f"{directory}: {size.files} files, {size.users} users, {size.services} services")


if __name__ == "__main__":
    main()
