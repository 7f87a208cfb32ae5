"""What a developer runs on one machine: a Keycloak, a stand-in Kong and an echoing upstream, all on loopback."""
