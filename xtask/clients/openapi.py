"""Every answer and 200 PUSH messages against the broker's own description of the API (kabu_STATION_API.yaml): no key
that it does not name, no type but the one it names, or null. The path of the file is the argument."""
import json
import sys
import time
import urllib.request

import websocket
import yaml

BASE = "localhost:18080/kabusapi"
with open(sys.argv[1], encoding="utf-8") as file:
    API = yaml.load(file, yaml.BaseLoader)  # The others read the key No as false.
TYPES = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list, "object": dict}
problems = set()


def resolve(schema):
    while "$ref" in schema:
        node = API
        for part in schema["$ref"].split("/")[1:]:
            node = node[part]
        schema = node
    return schema


def check(value, schema, path):
    schema = resolve(schema)
    if "oneOf" in schema:
        return check_one_of(value, schema["oneOf"], path)
    kind = schema.get("type", "object" if "properties" in schema else None)
    if value is None or kind is None:
        return
    if not isinstance(value, TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
        problems.add(f"{path}: {value!r} is no {kind}")
    elif kind == "array":
        for item in value:
            check(item, schema.get("items", {}), path + "[]")
    elif kind == "object":
        for key, item in value.items():
            if key not in schema.get("properties", {}):
                problems.add(f"{path}.{key} is not described")
            else:
                check(item, schema["properties"][key], f"{path}.{key}")


def check_one_of(value, choices, path):
    """Good if one of the choices has no problem."""
    global problems
    before, tried = problems, []
    for choice in choices:
        problems = set()
        check(value, choice, path)
        tried.append(problems)
    problems = before | min(tried, key=len)


def call(method, path, template, body=None, key=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://{BASE}/{path}", data, method=method)
    request.add_header("Content-Type", "application/json")
    if key:
        request.add_header("X-API-KEY", key)
    try:
        with urllib.request.urlopen(request) as answer:
            value = json.load(answer)
    except urllib.error.HTTPError as error:
        sys.exit(f"{method} {path}: {error} {error.read().decode()}")
    responses = API["paths"][template][method.lower()]["responses"]
    check(value, responses["200"]["content"]["application/json"]["schema"], path)
    time.sleep(0.11)
    return value


symbols = [{"Symbol": "7203", "Exchange": 1}, {"Symbol": "165120018", "Exchange": 2}]
key = call("POST", "token", "/token", {"APIPassword": "password"})["Token"]
call("PUT", "register", "/register", {"Symbols": symbols}, key)
socket = websocket.create_connection(f"ws://{BASE}/websocket", timeout=20)
board = API["components"]["schemas"]["BoardSuccess"]
for _ in range(200):
    message = json.loads(socket.recv())
    check(message, board, "PUSH " + message["Symbol"])
socket.close()
print("200 messages")
for code in ("7203@1", "165120018@2"):
    call("GET", f"board/{code}", "/board/{symbol}", None, key)
    call("GET", f"symbol/{code}", "/symbol/{symbol}", None, key)
call("GET", "primaryexchange/7203", "/primaryexchange/{symbol}", None, key)
call("GET", "symbolname/future?FutureCode=NK225&DerivMonth=0", "/symbolname/future", None, key)
call("GET", "apisoftlimit", "/apisoftlimit", None, key)
call("GET", "regulations/7203@1", "/regulations/{symbol}", None, key)
call("GET", "margin/marginpremium/7203", "/margin/marginpremium/{symbol}", None, key)
for wallet in ("cash", "margin", "future", "option"):
    call("GET", f"wallet/{wallet}", f"/wallet/{wallet}", None, key)
for kind in range(1, 16):
    call("GET", f"ranking?Type={kind}&ExchangeDivision=ALL", "/ranking", None, key)
call("PUT", "unregister", "/unregister", {"Symbols": symbols[:1]}, key)
# Not /unregister/all: it is described as an object, with a list as the example.
if problems:
    sys.exit("\n".join(sorted(problems)))
print("as described: done")
