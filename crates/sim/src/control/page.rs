//! Answers of the control port. Their own headers: the station's allow every web page to read.

use serde_json::{Value, json};

use crate::action::Problems;

/// One answer.
pub(super) struct Page {
    status: u16,
    media: &'static str,
    body: String,
}

impl Page {
    pub(super) fn json(status: u16, body: &Value) -> Self {
        let mut body = serde_json::to_string_pretty(body).unwrap_or_default();
        body.push('\n');
        Self {
            status,
            media: "application/json; charset=utf-8",
            body,
        }
    }

    pub(super) fn error(status: u16, what: &str) -> Self {
        Self::json(status, &json!({"problems": [what]}))
    }

    pub(super) fn problems(problems: &Problems) -> Self {
        let lines: Vec<String> = problems.0.iter().map(ToString::to_string).collect();
        Self::json(400, &json!({"problems": lines}))
    }

    pub(super) fn help(port: u16) -> Self {
        Self {
            status: 200,
            media: "text/plain; charset=utf-8",
            body: HELP.replace("{port}", &port.to_string()),
        }
    }

    /// The bytes; `head`: without the body.
    pub(super) fn write(&self, close: bool, head: bool) -> Vec<u8> {
        let connection = if close { "close" } else { "keep-alive" };
        format!(
            "HTTP/1.1 {} {}\r\nContent-Length: {}\r\nContent-Type: {}\r\nX-Content-Type-Options: nosniff\r\n\
             Cache-Control: no-store\r\nConnection: {connection}\r\n\r\n{}",
            self.status,
            reason(self.status),
            self.body.len(),
            self.media,
            if head { "" } else { &self.body }
        )
        .into_bytes()
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Request Entity Too Large",
        415 => "Unsupported Media Type",
        _ => "Status",
    }
}

const HELP: &str = "\
ayumi sim, control port {port}

GET  /counters   everything counted so far
GET  /wait?counter=messages_sent&at_least=100&timeout_ms=5000
                 answers as soon as a counter is there, 408 when it is not in time; counters of
                 symbols and requests: symbols.7203.last_volume, rest_requests.GET+/board
GET  /symbols    every symbol: name, kind, last price, registered or not
GET  /clock      the simulated time
GET  /faults     what goes wrong at present
PATCH /faults    changes some of them: {\"reset_after\": 100, \"board_delay\": \"5s\"}
POST /do         does something at once, one action or a list of them

Changes are JSON with the header Content-Type: application/json.

  curl -H \"Content-Type: application/json\" -d '\"stall 30s\"' http://localhost:{port}/do
  Invoke-RestMethod -Method Post -ContentType application/json -Body '\"reset\"' http://localhost:{port}/do

Actions, short and as JSON ({\"do\": \"stall\", \"for\": \"30s\"}); [..] may be left away, <end> is 30s or
until 09:05:00 and takes the action back:

  reset                         TCP reset of the PUSH client
  close [1001]                  close frame with this code
  stall [<end>], resume         the line stays open, nothing comes
  freeze                        half-open: nothing is read or written any more
  refuse [<end>], listen        nobody can connect
  kick [close|starve] [<end>]   another client takes over, for 1s unless told otherwise
  logout [<end>], login         the forced logout
  replace_token                 another program has a token
  lose_list                     the registration list is empty
  restart [<end>]               list and token gone, line cut, refused meanwhile
  maintenance [503|429] [<end>] REST refuses everything
  faults name=value .. [<end>]  any fields of GET /faults
  heal                          the faults of the start; ends every stall, logout, refusal, other client
  special_quote [buy|sell] [symbols] [<end>]
  limit [buy|sell] [symbols] [<end>]
  halt, silence [symbols] [<end>]
  rush [factor] [symbols] [<end>]
  lock, cross, zero_quotes, null_block, zero_depth, foreign_depth [symbols]
  send <text>                   a PUSH message as it is
  clock_step +30s               the station's clock jumps
  end                           the source and the script end
";
