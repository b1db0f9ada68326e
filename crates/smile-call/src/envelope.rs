//! The envelope of each frame: `{"type", "id", "payload"}`, all three mandatory.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use smile_resilience::{Classify, Phase, Verdict};

/// A call's input or output, not looked into yet.
pub type Json = Box<RawValue>;

/// What a frame says.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The caller asks for an operation.
    Requested(Request),
    /// The handler answers; once for a query or mutation, any number of times for a subscription.
    Responded(Json),
    /// The natural end of a subscription.
    Completed,
    /// Either side: cancelled.
    Aborted,
    /// The handler failed; nothing follows.
    Failed(CallError),
}

/// The payload of `call.requested`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// Which operation, as `session/run`.
    pub operation_id: String,
    /// Its input.
    pub input: Json,
    /// After this long the handler's side ends the call with [`Code::Timeout`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u64>,
}

impl Request {
    /// Asks for `operation_id` without a deadline.
    ///
    /// # Errors
    /// When `input` cannot be written as JSON.
    pub fn new(operation_id: &str, input: &impl Serialize) -> Result<Self, serde_json::Error> {
        let input = serde_json::value::to_raw_value(input)?;
        Ok(Self { operation_id: operation_id.to_owned(), input, deadline_ms: None })
    }
}

/// The payload of `call.error`: terminal, never followed by `call.completed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "camelCase")]
#[error("{message}")]
pub struct CallError {
    /// Stable; branch on this.
    pub code: Code,
    /// For people.
    pub message: String,
    /// Whether trying again can help.
    pub retryable: bool,
    /// How long to wait at least before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl Classify for CallError {
    fn classify(&self, _phase: Phase) -> Verdict {
        Verdict::told(self.retryable, self.retry_after_ms.map(Duration::from_millis))
    }
}

impl CallError {
    /// An error for which trying again does not help.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retryable: false, retry_after_ms: None }
    }

    /// Says that trying again can help.
    #[must_use]
    pub fn retryable(mut self) -> Self {
        self.retryable = true;
        self
    }
}

/// The codes of the protocol and of single operations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
#[non_exhaustive]
pub enum Code {
    /// There is no such operation or resource.
    NotFound,
    /// Not allowed.
    Forbidden,
    /// The input does not fit the operation.
    InvalidInput,
    /// A subscription was called as a query, or the other way round.
    InvalidOperationType,
    /// The deadline passed.
    Timeout,
    /// Too much at once; try later.
    Overloaded,
    /// What was subscribed to broke off.
    StreamInterrupted,
    /// The handler's own trouble.
    Internal,
    /// A documented code of one operation. One that the caller does not know means
    /// [`Code::Internal`].
    Other(Box<str>),
}

const CODES: [(Code, &str); 8] = [
    (Code::NotFound, "NOT_FOUND"),
    (Code::Forbidden, "FORBIDDEN"),
    (Code::InvalidInput, "INVALID_INPUT"),
    (Code::InvalidOperationType, "INVALID_OPERATION_TYPE"),
    (Code::Timeout, "TIMEOUT"),
    (Code::Overloaded, "OVERLOADED"),
    (Code::StreamInterrupted, "STREAM_INTERRUPTED"),
    (Code::Internal, "INTERNAL"),
];

impl Code {
    /// As on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(name) => name,
            known => CODES.iter().find(|(code, _)| code == known).map_or("INTERNAL", |row| row.1),
        }
    }
}

impl From<String> for Code {
    fn from(text: String) -> Self {
        match CODES.into_iter().find(|(_, name)| *name == text) {
            Some((code, _)) => code,
            None => Self::Other(text.into()),
        }
    }
}

impl From<Code> for String {
    fn from(code: Code) -> Self {
        code.as_str().to_owned()
    }
}

/// What is wrong with a frame's body.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// Not JSON, or a part is missing or of the wrong sort.
    #[error("a frame is no envelope")]
    Malformed(#[source] serde_json::Error),
    /// The type is none of the five.
    #[error("unknown event type `{kind}`")]
    UnknownType {
        /// As received.
        kind: String,
    },
    /// The id is of another call.
    #[error("a frame for call `{id}` on the stream of another")]
    WrongId {
        /// As received.
        id: String,
    },
}

#[derive(Serialize, Deserialize)]
struct Wire<'a> {
    #[serde(rename = "type")]
    kind: String,
    id: String,
    #[serde(borrow)]
    payload: &'a RawValue,
}

#[derive(Serialize, Deserialize)]
struct Output<T> {
    output: T,
}

#[derive(Serialize)]
struct WireOut<'a, T> {
    #[serde(rename = "type")]
    kind: &'a str,
    id: &'a str,
    payload: T,
}

#[derive(Serialize)]
struct Nothing {}

/// Reads a frame's body: the call's id and what it says.
///
/// # Errors
/// [`EnvelopeError::Malformed`], [`EnvelopeError::UnknownType`].
pub fn parse(body: &[u8]) -> Result<(String, Event), EnvelopeError> {
    let wire: Wire<'_> = serde_json::from_slice(body).map_err(EnvelopeError::Malformed)?;
    let payload = wire.payload.get();
    let event = match wire.kind.as_str() {
        "call.requested" => serde_json::from_str(payload).map(Event::Requested),
        "call.responded" => {
            serde_json::from_str(payload).map(|body: Output<Json>| Event::Responded(body.output))
        }
        "call.completed" => Ok(Event::Completed),
        "call.aborted" => Ok(Event::Aborted),
        "call.error" => serde_json::from_str(payload).map(Event::Failed),
        _ => return Err(EnvelopeError::UnknownType { kind: wire.kind }),
    };
    Ok((wire.id, event.map_err(EnvelopeError::Malformed)?))
}

/// Writes an event of call `id` as a frame's body.
///
/// # Panics
/// Never: every part is a map with text keys.
pub fn render(id: &str, event: &Event) -> Vec<u8> {
    match event {
        Event::Requested(request) => body("call.requested", id, request),
        Event::Responded(output) => body("call.responded", id, Output { output }),
        Event::Completed => body("call.completed", id, Nothing {}),
        Event::Aborted => body("call.aborted", id, Nothing {}),
        Event::Failed(error) => body("call.error", id, error),
    }
}

fn body(kind: &str, id: &str, payload: impl Serialize) -> Vec<u8> {
    serde_json::to_vec(&WireOut { kind, id, payload }).expect("text keys, no failing parts")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(body: &str, expected: &str) {
        let seen = match parse(body.as_bytes()) {
            Ok((id, event)) => format!("{id} {event:?}"),
            Err(error) => error.to_string(),
        };
        assert!(seen.contains(expected), "{body}: {seen}");
    }

    #[test]
    fn envelopes() {
        check(r#"{"type":"call.completed","id":"1","payload":{}}"#, "1 Completed");
        check(r#"{"type":"call.aborted","id":"1","payload":{},"later":[1]}"#, "1 Aborted");
        check(
            r#"{"type":"call.responded","id":"7","payload":{"output":{"a":[1]}}}"#,
            r#"{"a":[1]}"#,
        );
        check(
            r#"{"type":"call.requested","id":"1","payload":{"operationId":"a/b","input":1}}"#,
            "a/b",
        );
        check(r#"{"type":"call.invented","id":"1","payload":{}}"#, "unknown event type");
        check(r#"{"type":"call.completed","id":"1"}"#, "no envelope");
        check(r#"{"type":"call.completed","payload":{}}"#, "no envelope");
        check(r#"{"id":"1","payload":{}}"#, "no envelope");
        check(
            r#"{"type":"call.error","id":"1","payload":{"code":"NO_SESSION","message":"m","retryable":true}}"#,
            r#"Other("NO_SESSION")"#,
        );
    }

    #[test]
    fn codes_keep_their_names() {
        for (code, name) in CODES {
            assert_eq!(Code::from(name.to_owned()), code);
            assert_eq!(code.as_str(), name);
        }
    }

    proptest! {
        #[test]
        fn parse_never_panics(bytes: Vec<u8>) {
            let _ = parse(&bytes);
        }

        #[test]
        fn what_is_rendered_is_parsed(id: String, code: String, message: String, retry: Option<u32>) {
            let error = CallError {
                code: Code::from(code), message, retryable: retry.is_some(),
                retry_after_ms: retry.map(u64::from),
            };
            let (seen, event) = parse(&render(&id, &Event::Failed(error.clone()))).unwrap();
            prop_assert_eq!(seen, id);
            prop_assert!(matches!(event, Event::Failed(parsed) if parsed == error));
        }
    }
}
