"""Files of certificates that upstreams name."""

from __future__ import annotations

from pathlib import Path

from control_plane.catalog.model import SecretRef, Upstream
from tests.authorities import Authority
from tests.catalog.worlds import problems, world, write

RENKEI = """\
platform: example
environments:
  sandbox:
    upstreams:
      orion:
        targets: [{url: https://orion.example.jp}]
        ca: certificates/ca.pem
        client_certificate: {certificate: certificates/gateway.pem, key: !secret upstreams/orion#tls_key}
"""


def test_a_file_of_authorities_may_hold_several_and_words_around_them(tmp_path: Path):
    old, new, clients = Authority("Old CA"), Authority("New CA"), Authority("Client CA")
    chain = clients.pair("gateway", days=30).certificate + clients.certificate
    both = f"# until March\n{old.certificate}\nsubject=New CA\n{new.certificate}"
    write(tmp_path, {"certificates/ca.pem": both.replace("\n", "\r\n"), "certificates/gateway.pem": chain})
    upstream = world(tmp_path, renkei=RENKEI).environment.upstreams["orion"]
    assert isinstance(upstream, Upstream) and upstream.client is not None
    assert [one.subject for one in upstream.authorities] == ["Old CA", "New CA"]
    assert [one.pem.count("BEGIN") for one in upstream.certificates()] == [1, 1, 2]
    assert upstream.client.certificate.subject == "gateway"
    assert upstream.client.key == SecretRef("upstreams/orion", "tls_key")
    assert upstream.authorities[0].pem == old.certificate.strip()
    assert upstream.client.certificate.until < upstream.authorities[0].until


def test_a_file_outside_of_the_configuration_is_not_read(tmp_path: Path):
    write(tmp_path, {"secret.pem": Authority().certificate})
    outside = RENKEI.replace("certificates/ca.pem", "../secret.pem").replace("certificates/gateway.pem", "/etc/passwd")
    found = [one.message for one in problems(tmp_path / "configuration", renkei=outside)]
    assert found == ["../secret.pem is outside of the configuration", "/etc/passwd is outside of the configuration"]


def test_a_certificate_that_has_ended_keeps_nobody_from_taking_rights_away(tmp_path: Path):
    ended = Authority(days=-10)
    own = ended.pair("x", days=-1).certificate
    write(tmp_path, {"certificates/ca.pem": ended.certificate, "certificates/gateway.pem": own})
    assert problems(tmp_path, renkei=RENKEI) == []
