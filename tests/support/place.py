"""The gateway with a provider of each format at one upstream, whose answers the test says."""

from .client import ask
from .compile import compiled
from .gateway import Gateway
from .upstream import Upstream
from .wires import JSON, SSE, wires

WIRES = wires()


class Place:
    def __init__(self, folder):
        self.handler = None
        self.upstream = Upstream(lambda conn, request: self.handler(conn, request))
        path = compiled(folder, "provider_wire")
        providers = {wire.name: {"plugin": "wire", "base_url": self.upstream.url,
                                 "path": wire.provider_path, "wire": wire.name} for wire in WIRES}
        self.gate = Gateway(folder / "gateway", providers, plugin_path=path)

    def ask(self, client, provider, message="hi", stream=False, headers=(), change=None):
        """What `client` gets from `provider`: the response as it came."""
        path, body = client.asks(message, stream, f"{provider.name}/m")
        if change:
            change(body)
        return ask(self.gate.port, "POST", path, body, headers=list(headers))

    def answers(self, body, status=200, content_type=JSON, headers=()):
        self.handler = lambda conn, request: conn.answer(body, status, content_type, headers)

    def streams(self, pieces, content_type=SSE, end=True):
        def handler(conn, request):
            conn.head(content_type=content_type)
            for piece in pieces:
                conn.chunk(piece)
            if end:
                conn.end_chunks()
            else:
                conn.reset()

        self.handler = handler

    def sent(self):
        return self.upstream.requests[-1].json()

    def stop(self):
        self.upstream.stop()
        assert self.gate.stop() == 0, self.gate.output()
