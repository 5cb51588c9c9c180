"""Redis or Valkey as a test server: broker and cache."""

from __future__ import annotations

import redis

from tests.servers.process import ServerProcess

DATABASES = 64  # one for each test worker


class Redis(ServerProcess):
    """Keeps nothing on disk: a restart is the loss of the whole broker, which must lose no order."""

    @property
    def base_url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def url(self, number: int = 0) -> str:
        return f"{self.base_url}/{number}"

    def command(self) -> list[str]:
        place = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.folder)]
        return [str(self.program.path), *place, "--databases", str(DATABASES), "--save", "", "--appendonly", "no"]

    def answers(self) -> bool:
        client = redis.Redis(port=self.port, socket_timeout=5)
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()
