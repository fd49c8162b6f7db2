// The library ws: offers compression (its default), sends a browser's Origin and a ping, wants messages and no pong.
const WebSocket = require("ws");

const base = "localhost:18080/kabusapi";
const symbols = [{ Symbol: "7203", Exchange: 1 }, { Symbol: "9984", Exchange: 1 }];

async function call(method, path, body, key) {
  const headers = { "Content-Type": "application/json", ...(key && { "X-API-KEY": key }) };
  const answer = await fetch(`http://${base}/${path}`, { method, headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

async function main() {
  const key = (await call("POST", "token", { APIPassword: "password" })).Token;
  const list = (await call("PUT", "register", { Symbols: symbols }, key)).RegistList;
  console.log(`registered ${list.length}`);
  const socket = new WebSocket(`ws://${base}/websocket`, { origin: "https://example.com" });
  let count = 0;
  let pongs = 0;
  socket.on("pong", () => pongs++);
  socket.on("error", (error) => { console.log(`error ${error}`); process.exit(1); });
  socket.on("open", () => { console.log(`extensions '${socket.extensions}'`); socket.ping(); });
  socket.on("message", (text) => {
    const message = JSON.parse(text);
    if (!message.Symbol) throw new Error(String(text));
    if (++count === 20) {
      console.log(`push 20, last ${message.Symbol} ${message.CurrentPrice}`);
      console.log(pongs === 0 ? "no pong, as from the station" : `${pongs} pongs`);
      socket.close();
    }
  });
  socket.on("close", (code) => console.log(`closed ${code}\ndone`));
}

main();
