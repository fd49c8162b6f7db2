"""The library websockets against a server that answers no ping: without its keepalive, then with its defaults."""
import asyncio
import json
import time
import urllib.request

import websockets

BASE = "localhost:18080/kabusapi"


def call(method, path, body, key=None):
    request = urllib.request.Request(f"http://{BASE}/{path}", json.dumps(body).encode(), method=method)
    request.add_header("Content-Type", "application/json")
    if key:
        request.add_header("X-API-KEY", key)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


async def main():
    key = call("POST", "token", {"APIPassword": "password"})["Token"]
    call("PUT", "register", {"Symbols": [{"Symbol": "7203", "Exchange": 1}]}, key)
    async with websockets.connect(f"ws://{BASE}/websocket", ping_interval=None) as socket:
        for _ in range(5):
            assert json.loads(await socket.recv())["Symbol"] == "7203"
    print("without pings: 5 messages")
    began = time.monotonic()
    async with websockets.connect(f"ws://{BASE}/websocket") as socket:
        try:
            async for _ in socket:
                pass
        except websockets.ConnectionClosedError as error:
            print("-", error)
    print(f"with pings: closed {socket.close_code} after {time.monotonic() - began:.0f} s")


asyncio.run(main())
