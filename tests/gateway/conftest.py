from tests.kong.conftest import world

__all__ = ["world"]  # a fixture
