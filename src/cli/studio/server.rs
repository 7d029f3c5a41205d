//! The HTTP server of the page. Only the user's own browser may talk to it: the address has a key that other pages and
//! programs do not know, and requests that other pages make are recognised by `Origin` and `Host` besides.

use std::sync::Arc;
use std::thread::JoinHandle;

use impasto::{Error, Result};

use super::api::Api;
use super::http::{Http, Request};
use super::pages;
use super::refusal::Refusal;
use crate::cli::panics;

/// No resources from other servers, no frames, no caching, and the key is told to nobody.
const HEADERS: [(&str, &str); 5] = [
    (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; \
         manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
];

/// The server on its port. It ends when dropped.
pub struct Server {
    site: Arc<Site>,
    thread: Option<JoinHandle<()>>,
}

struct Site {
    http: Arc<Http>,
    key: String,
    api: Api,
}

/// Content type and body of a response.
pub type Answer = (&'static str, Vec<u8>);

pub const JSON: &str = "application/json";
pub const PNG: &str = "image/png";

impl Server {
    /// Serves on a port of 127.0.0.1; 0 takes a free one.
    ///
    /// # Errors
    /// [`Error::Page`] if the port is taken.
    pub fn open(port: u16, api: Api) -> Result<Self> {
        let failed = |reason: String| Error::Page { reason };
        let http = Http::bind(port).map_err(|e| {
            failed(match port {
                0 => format!("no port of 127.0.0.1 is free ({e}): end another program"),
                _ => format!("port {port} of 127.0.0.1 is taken ({e}): choose another"),
            })
        })?;
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|e| failed(format!("no random numbers for its key ({e})")))?;
        let key = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let site = Arc::new(Site { http: Arc::new(http), key, api });
        let thread = {
            let site = site.clone();
            std::thread::spawn(move || site.http.clone().serve(move |request| site.answer(request)))
        };
        Ok(Self { site, thread: Some(thread) })
    }

    /// Address of the page for a browser on this machine.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}/{}/", self.site.http.port(), self.site.key)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.site.http.end();
        // A panic of the thread has already been reported.
        self.thread.take().map(JoinHandle::join);
    }
}

impl Site {
    /// The path of a request below the key.
    ///
    /// # Errors
    /// For a request that is not of the user's own page.
    fn path_of(&self, request: &Request) -> std::result::Result<String, Refusal> {
        if !self.is_from_here(request) {
            return Err(Refusal::new(403, "Only requests from this page are allowed."));
        }
        let path = request.target().split('?').next().unwrap_or_default();
        let (key, rest) = path.trim_start_matches('/').split_once('/').unwrap_or((path, ""));
        // Compared to the end whatever differs, so that the time tells nothing.
        let is_same = key.len() == self.key.len()
            && key.bytes().zip(self.key.bytes()).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0;
        match is_same {
            true => Ok(rest.into()),
            false => Err(Refusal::new(403, "The key is missing: open the address that the program printed.")),
        }
    }

    /// Exactly one `Host`, this server, and no other `Origin`.
    fn is_from_here(&self, request: &Request) -> bool {
        let ours = ["127.0.0.1", "localhost"].map(|host| format!("{host}:{}", self.http.port()));
        let [host] = request.values("Host")[..] else { return false };
        let is_ours = |name: &str| ours.iter().any(|our| our == name);
        is_ours(host)
            && request.values("Origin").iter().all(|from| from.strip_prefix("http://").is_some_and(is_ours))
    }

    fn answer(&self, mut request: Request) {
        let answer = self.path_of(&request).and_then(|path| self.answer_to(&mut request, &path));
        let (status, (kind, body)) = match answer {
            Ok(answer) => (200, answer),
            Err(refusal) => (refusal.status, (JSON, refusal.json())),
        };
        let headers: Vec<_> = HEADERS.into_iter().chain([("Content-Type", kind)]).collect();
        request.respond(status, &headers, &body);
    }

    fn answer_to(&self, request: &mut Request, path: &str) -> std::result::Result<Answer, Refusal> {
        if let Some(call) = path.strip_prefix("api/") {
            return panics::catch(|| Ok(self.api.answer(request, call)))
                .unwrap_or_else(|error| Err(Refusal { status: 500, ..error.into() }));
        }
        match (request.method(), pages::find(path)) {
            ("GET", Some((kind, content))) => Ok((kind, content.to_vec())),
            (_, Some(_)) => Err(Refusal::new(405, "Method not allowed.")),
            (_, None) => Err(Refusal::new(404, "Not found.")),
        }
    }
}
