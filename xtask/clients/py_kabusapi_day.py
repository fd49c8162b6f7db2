"""Drives the package py-kabusapi: every market-data call, then messages; its typed models check each answer."""
import sys
import threading
import time

from py_kabusapi import KabuStationAPI

api = KabuStationAPI(environment="production")


def show(name, result):
    if not type(result).__name__.startswith("ApiResultSuccess"):
        sys.exit(f"{name} failed: {result!r}")
    print(name, repr(result)[:160])


show("token", api.token("password"))
show("register", api.register([{"Symbol": "7203", "Exchange": 1}, {"Symbol": "9984", "Exchange": 1}]))
for attempt in range(10):  # Its model of /board takes no nulls, which a first answer may have.
    try:
        show("board", api.board_by_symbol("7203@1"))
        break
    except ValueError as error:
        problem = error
    time.sleep(1)
else:
    sys.exit(f"board: {problem}")
show("symbol", api.symbol_by_symbol("7203@1"))
show("ranking", api.ranking("1", "ALL"))
show("primaryexchange", api.primaryexchange_by_symbol("7203"))
# Not apisoftlimit: its model wants the key kabuSVersion, the broker's description says KabuSVersion.

count, enough, errors = 0, threading.Event(), []


def on_message(message):
    global count
    count += 1
    if count == 10:
        print("push 10", message.Symbol, message.CurrentPrice)
        enough.set()


api.start_websocket(on_message=on_message, on_error=errors.append)
enough.wait(20)
if errors or count < 10:
    sys.exit(f"{count} messages, errors {errors!r}")
api.stop_websocket()
show("unregister", api.unregister_all())
print("done")
