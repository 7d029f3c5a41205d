//! The HTTP server of the live view. It answers only its own page: requests from other pages in the user's browser are
//! recognised by the headers `Origin` and `Host`.

use std::sync::atomic::Ordering;

use tiny_http::{Header, Method, Request, Response};

use super::Shared;
use crate::error::{Error, Result};

const PAGE: &str = include_str!("page.html");

/// No resources from other servers, no frames, no caching.
const HEADERS: [(&str, &str); 3] = [
    (
        "Content-Security-Policy",
        "default-src 'none'; img-src 'self'; connect-src 'self'; style-src 'unsafe-inline'; \
         script-src 'unsafe-inline'; frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "no-store"),
];

/// The server on its port.
pub struct Server {
    http: tiny_http::Server,
    port: u16,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("port", &self.port).finish_non_exhaustive()
    }
}

/// Status, content type and body of a response.
type Answer = (u16, &'static str, Vec<u8>);

const TEXT: &str = "text/plain; charset=utf-8";

impl Server {
    pub fn bind() -> Result<Self> {
        let http = tiny_http::Server::http("127.0.0.1:0")
            .map_err(|e| Error::View { reason: format!("no port of 127.0.0.1 is free ({e})") })?;
        let address = http.server_addr().to_ip();
        let port = address.ok_or_else(|| Error::View { reason: "its port is unknown".into() })?.port();
        Ok(Self { http, port })
    }

    /// Address and port, as in the header `Host`.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Answers requests until [`end`](Self::end).
    pub fn serve(&self, shared: &Shared) {
        for request in self.http.incoming_requests() {
            let (status, kind, body) = self.answer(&request, shared);
            let headers = HEADERS.into_iter().chain([("Content-Type", kind)]);
            let headers = headers.filter_map(|(name, value)| Header::from_bytes(name, value).ok());
            let response = headers.fold(Response::from_data(body), Response::with_header);
            // Fails if the page was closed: nothing to do.
            let _ = request.respond(response.with_status_code(status));
        }
    }

    /// Makes [`serve`](Self::serve) return.
    pub fn end(&self) {
        self.http.unblock();
    }

    fn answer(&self, request: &Request, shared: &Shared) -> Answer {
        if !self.is_from_here(request) {
            return text(403, "Only requests from this page are allowed.");
        }
        let path = request.url().split('?').next().unwrap_or_default();
        match (request.method(), path) {
            (Method::Get, "/") => (200, "text/html; charset=utf-8", PAGE.into()),
            (Method::Get, "/state") => state(shared),
            (Method::Get, "/picture.png") => image(shared),
            (Method::Post, "/stop") => {
                shared.stop.store(true, Ordering::Relaxed);
                text(200, "stopping")
            }
            (Method::Post, "/save") => {
                shared.wants_save.store(true, Ordering::Relaxed);
                text(200, "saving")
            }
            (_, "/" | "/state" | "/picture.png" | "/stop" | "/save") => text(405, "Method not allowed."),
            _ => text(404, "Not found."),
        }
    }

    /// Exactly one `Host`, this server, and no other `Origin`.
    fn is_from_here(&self, request: &Request) -> bool {
        let values = |name: &'static str| {
            let named = request.headers().iter().filter(move |header| header.field.equiv(name));
            named.map(|header| header.value.as_str()).collect::<Vec<_>>()
        };
        let ours = [self.host(), format!("localhost:{}", self.port)];
        let [host] = values("Host")[..] else { return false };
        let is_ours = |name: &str| ours.iter().any(|our| our == name);
        is_ours(host) && values("Origin").iter().all(|from| from.strip_prefix("http://").is_some_and(is_ours))
    }
}

fn text(status: u16, text: &str) -> Answer {
    (status, TEXT, text.into())
}

fn state(shared: &Shared) -> Answer {
    match serde_json::to_vec(&*shared.state()) {
        Ok(json) => (200, "application/json", json),
        Err(e) => text(500, &e.to_string()),
    }
}

fn image(shared: &Shared) -> Answer {
    shared.wants_image.store(true, Ordering::Relaxed);
    // The lock is free while the image is encoded.
    let image = shared.state().image.clone();
    match image.map(|image| image.to_png()) {
        Some(Ok(png)) => (200, "image/png", png),
        Some(Err(e)) => text(500, &e.to_string()),
        None => text(404, "No image yet."),
    }
}
