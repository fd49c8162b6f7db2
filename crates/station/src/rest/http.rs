//! One HTTP exchange with the station. Knows ureq, and nothing of what the answers mean.

use std::io;
use std::net::{Ipv6Addr, UdpSocket};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use ureq::http::{HeaderValue, Uri};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Body};

use super::{RestConfig, RestError, Transport};
use crate::endpoint::{self, HOST_HEADER};

/// Longest body that is read.
const MAX_BODY: u64 = 1 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// A scaled clock does not make sockets faster: no time limit goes below this.
const SHORTEST_LIMIT: Duration = Duration::from_secs(1);

/// An answer of any status.
#[derive(Debug)]
pub(super) struct Raw {
    pub(super) status: u16,
    pub(super) html: bool,
    pub(super) body: Vec<u8>,
}

/// One request. No `Debug`: the body may hold the API password.
pub(super) struct Request {
    pub(super) method: Method,
    /// From the slash after the port.
    pub(super) path: String,
    pub(super) body: Vec<u8>,
    /// Before scaling.
    pub(super) limit: Duration,
}

/// What is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Put,
    Post,
}

/// The client; a clone shares its connections.
#[derive(Clone)]
pub(super) struct Http {
    agent: Agent,
    base: String,
    connect_limit: Duration,
}

impl Http {
    pub(super) fn new(config: &RestConfig) -> Self {
        let connect_limit = config.scaled(CONNECT_TIMEOUT).max(SHORTEST_LIMIT).min(CONNECT_TIMEOUT);
        let settings = Agent::config_builder()
            .proxy(None)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("ayumi/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(connect_limit))
            .max_response_header_size(16 << 10)
            .max_idle_connections(1)
            .build();
        let resolver = StationResolver {
            host: config.host.clone(),
            // Where IPv6 is switched off, trying it would hide the "refused" of 127.0.0.1 behind a stranger error.
            v6: UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_ok(),
            other: DefaultResolver::default(),
        };
        Self {
            agent: Agent::with_parts(settings, DefaultConnector::default(), resolver),
            base: format!("http://{}", endpoint::authority(&config.host, config.port)),
            connect_limit,
        }
    }

    /// Sends and reads the whole answer. An answer of any status is `Ok`.
    pub(super) fn exchange(
        &self,
        request: &Request,
        token: Option<&SecretString>,
        limit: Duration,
    ) -> Result<Raw, RestError> {
        let limit = limit.max(SHORTEST_LIMIT).min(request.limit);
        let uri = format!("{}{}", self.base, request.path);
        let mut key = None;
        if let Some(token) = token {
            let mut value = HeaderValue::from_str(token.expose_secret()).map_err(|_| RestError::BadToken)?;
            value.set_sensitive(true);
            key = Some(value);
        }
        let answer = if request.method == Method::Get {
            let mut builder = self.agent.get(uri).header("Host", HOST_HEADER);
            if let Some(key) = key {
                builder = builder.header("X-API-KEY", key);
            }
            builder.config().timeout_global(Some(limit)).build().call()
        } else {
            let builder = if request.method == Method::Put {
                self.agent.put(uri)
            } else {
                self.agent.post(uri)
            };
            let mut builder = builder
                .header("Host", HOST_HEADER)
                .header("Content-Type", "application/json");
            if let Some(key) = key {
                builder = builder.header("X-API-KEY", key);
            }
            builder
                .config()
                .timeout_global(Some(limit))
                .build()
                .send(request.body.as_slice())
        };
        read(answer.map_err(|e| self.transport(e, limit))?, |e| {
            self.transport(e, limit)
        })
    }

    /// Cuts every connection, also one that is being waited on; nothing can be sent afterwards.
    pub(super) fn shut_down(&self) {
        self.agent.clone().shutdown();
    }

    fn transport(&self, e: ureq::Error, limit: Duration) -> RestError {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionRefused, ConnectionReset, UnexpectedEof};
        RestError::Transport(match e {
            ureq::Error::Timeout(ureq::Timeout::Connect) => Transport::NoConnection(self.connect_limit),
            ureq::Error::Timeout(_) => Transport::Timeout(limit),
            ureq::Error::HostNotFound => Transport::HostNotFound,
            ureq::Error::Io(e) => match e.kind() {
                ConnectionRefused => Transport::Refused,
                ConnectionReset | ConnectionAborted | BrokenPipe | UnexpectedEof => Transport::Reset,
                kind => Transport::Other(kind.to_string()),
            },
            ureq::Error::LargeResponseHeader(..) => Transport::Other("more than 16 KiB of headers".to_owned()),
            ureq::Error::Protocol(_) => Transport::Other("the answer is not HTTP".to_owned()),
            // Only what ureq says itself: its texts name URIs and limits, never headers or bodies.
            other => Transport::Other(crate::text::sanitised(&other.to_string())),
        })
    }
}

fn read(
    mut response: ureq::http::Response<Body>,
    transport: impl Fn(ureq::Error) -> RestError,
) -> Result<Raw, RestError> {
    let status = response.status().as_u16();
    let html = response
        .headers()
        .get("content-type")
        .and_then(|v| v.to_str().ok())
        .is_some_and(|v| v.to_ascii_lowercase().contains("html"));
    let body = match response.body_mut().with_config().limit(MAX_BODY).read_to_vec() {
        Ok(body) => body,
        Err(ureq::Error::BodyExceedsLimit(_)) => return Err(RestError::BadBody("more than 1 MiB")),
        // Of an error answer the status alone says enough.
        Err(_) if status != 200 => Vec::new(),
        Err(e) => {
            return Err(match transport(e) {
                timeout @ RestError::Transport(Transport::Timeout(_)) => timeout,
                _ => RestError::BadBody("cut off"),
            });
        }
    };
    Ok(Raw { status, html, body })
}

/// Loopback by literals, without a resolver thread per request; everything else by the system.
#[derive(Debug)]
struct StationResolver {
    host: String,
    v6: bool,
    other: DefaultResolver,
}

impl Resolver for StationResolver {
    fn resolve(
        &self,
        uri: &Uri,
        config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let Some(pair) = endpoint::loopback(&self.host, uri.port_u16().unwrap_or(80)) else {
            return self.other.resolve(uri, config, timeout);
        };
        let mut found = self.empty();
        for address in pair.into_iter().filter(|a| a.is_ipv4() || self.v6) {
            found.push(address);
        }
        Ok(found)
    }
}
