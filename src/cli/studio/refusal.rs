//! What a page is told in place of an answer.

use impasto::Error;
use serde_json::json;

use crate::cli::message;

/// Why a request is not answered: an HTTP status and a sentence for the user.
#[derive(Debug, PartialEq)]
pub struct Refusal {
    pub status: u16,
    pub text: String,
}

impl Refusal {
    pub fn new(status: u16, text: impl Into<String>) -> Self {
        Self { status, text: text.into() }
    }

    /// As the page reads it.
    pub fn json(&self) -> Vec<u8> {
        json!({ "error": self.text }).to_string().into_bytes()
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::new(if error.is_usage() { 400 } else { 422 }, message(&error))
    }
}
