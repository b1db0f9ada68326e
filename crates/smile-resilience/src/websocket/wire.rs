//! The messages, for both ends. Fields are written as in `lastSeq`; `last_seq` is understood as well,
//! and unknown fields are ignored. Names are append-only.
//!
//! | from | message | meaning |
//! |---|---|---|
//! | both, first | `{epoch, lastSeq, lastAck}` | where each side stands, see [`Hello`] |
//! | client | `{seq, type, payload}` | a request, repeated until acknowledged |
//! | server | `{ack}` | all requests up to this number have arrived |
//! | server | `{seq, event, payload}` | an event; without `seq` it is shown and not counted |
//! | server | `{gap: {from, to}}` | these events are not available any more |
//!
//! The client connects with `?since=SEQ&epoch=EPOCH&client=ID`, so that a server may also begin
//! without reading the first message; both say the same.
//!
//! What a server does, beside speaking these:
//!
//! 1. It greets first, before any numbered event, with its own epoch, newest event and what has
//!    arrived from this client.
//! 2. It sends the events after the client's `lastSeq`, from its journal and then live, in order;
//!    where the client names another epoch, from the first. What it cannot send any more it names as
//!    a gap; where it has lost numbers that it had given out, it takes a new epoch.
//! 3. It carries out each request once: for each client an [`Ordered`](crate::Ordered) that begins
//!    after the larger of its own last number and the client's `lastAck` drops repeats and keeps
//!    the order. It acknowledges with the highest number before which nothing is missing.
//! 4. It answers pings, which WebSocket libraries do by themselves, and closes with a code that says
//!    whether to return, see [`is_terminal`](super::is_terminal).

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The first message of either side after each (re)connect.
///
/// The client tells the last event that it has and the number up to which its own requests are
/// settled; the server tells its newest event and the last request of this client that has arrived.
/// The epoch names the history that event numbers belong to (a run's id); a client that has none
/// yet leaves it out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hello {
    /// The history that numbers belong to.
    pub epoch: Option<String>,
    /// The last event: had by the client, made by the server.
    #[serde(alias = "last_seq")]
    pub last_seq: u64,
    /// The last request that needs no answer any more.
    #[serde(alias = "last_ack")]
    pub last_ack: u64,
    /// Who is speaking; only from clients. Repeats are recognised by it and the number.
    #[serde(alias = "client_id", default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
}

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Increasing by one from 1.
    pub seq: u64,
    /// What is asked for.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its details.
    #[serde(default)]
    pub payload: Value,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Increasing by one from 1 within an epoch; none on what is not part of the history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// What happened.
    pub event: String,
    /// Its details.
    #[serde(default)]
    pub payload: Value,
}

/// Any message of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromClient {
    /// Where it stands.
    Hello(Hello),
    /// What it asks for.
    Request(Request),
}

/// Any message of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromServer {
    /// Where it stands.
    Hello(Hello),
    /// All requests up to this number have arrived.
    Ack(u64),
    /// These events are not available any more.
    Gap {
        /// The first.
        from: u64,
        /// The last.
        to: u64,
    },
    /// Something that happened.
    Event(Event),
}

/// A message that is none of the known ones.
#[derive(Debug, thiserror::Error)]
#[error("not a message of this protocol")]
pub struct UnknownMessage(#[source] serde_json::Error);

#[derive(Serialize, Deserialize)]
struct Ack {
    ack: u64,
}

#[derive(Serialize, Deserialize)]
struct Gap {
    gap: Range,
}

#[derive(Serialize, Deserialize)]
struct Range {
    from: u64,
    to: u64,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum AnyFromServer {
    Event(Event),
    Ack(Ack),
    Hello(Hello),
    Gap(Gap),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum AnyFromClient {
    Request(Request),
    Hello(Hello),
}

impl FromServer {
    /// Reads a message.
    pub fn parse(text: &str) -> Result<Self, UnknownMessage> {
        Ok(match serde_json::from_str(text).map_err(UnknownMessage)? {
            AnyFromServer::Event(event) => Self::Event(event),
            AnyFromServer::Ack(Ack { ack }) => Self::Ack(ack),
            AnyFromServer::Hello(hello) => Self::Hello(hello),
            AnyFromServer::Gap(Gap { gap: Range { from, to } }) => Self::Gap { from, to },
        })
    }

    /// Writes a message.
    pub fn to_text(&self) -> String {
        match self {
            Self::Hello(hello) => text(hello),
            Self::Ack(ack) => text(&Ack { ack: *ack }),
            Self::Gap { from, to } => text(&Gap { gap: Range { from: *from, to: *to } }),
            Self::Event(event) => text(event),
        }
    }
}

impl FromClient {
    /// Reads a message.
    pub fn parse(text: &str) -> Result<Self, UnknownMessage> {
        Ok(match serde_json::from_str(text).map_err(UnknownMessage)? {
            AnyFromClient::Request(request) => Self::Request(request),
            AnyFromClient::Hello(hello) => Self::Hello(hello),
        })
    }

    /// Writes a message.
    pub fn to_text(&self) -> String {
        match self {
            Self::Hello(hello) => text(hello),
            Self::Request(request) => text(request),
        }
    }
}

fn text(message: &impl Serialize) -> String {
    serde_json::to_string(message).expect("numbers, strings and JSON values can be written")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn shapes_on_the_wire() {
        let hello =
            Hello { epoch: Some("run-1".into()), last_seq: 4, last_ack: 2, client_id: None };
        let request = Request { seq: 3, kind: "stop".into(), payload: json!({"reason": "late"}) };
        let event = Event { seq: Some(9), event: "gap_found".into(), payload: json!({}) };
        let from_client = [
            (FromClient::Hello(hello.clone()), r#"{"epoch":"run-1","lastSeq":4,"lastAck":2}"#),
            (
                FromClient::Request(request),
                r#"{"seq":3,"type":"stop","payload":{"reason":"late"}}"#,
            ),
        ];
        for (message, text) in from_client {
            assert_eq!(message.to_text(), text);
            assert_eq!(FromClient::parse(text).unwrap(), message);
        }
        let from_server = [
            (FromServer::Hello(hello.clone()), r#"{"epoch":"run-1","lastSeq":4,"lastAck":2}"#),
            (FromServer::Ack(7), r#"{"ack":7}"#),
            (FromServer::Gap { from: 2, to: 5 }, r#"{"gap":{"from":2,"to":5}}"#),
            (FromServer::Event(event), r#"{"seq":9,"event":"gap_found","payload":{}}"#),
        ];
        for (message, text) in from_server {
            assert_eq!(message.to_text(), text);
            assert_eq!(FromServer::parse(text).unwrap(), message);
        }
        let lenient = r#"{"epoch":"run-1","last_seq":4,"last_ack":2,"new":1}"#;
        assert_eq!(FromServer::parse(lenient).unwrap(), FromServer::Hello(hello));
        let unnumbered = FromServer::parse(r#"{"event":"connected","payload":{"state":"idle"}}"#);
        assert!(matches!(unnumbered.unwrap(), FromServer::Event(Event { seq: None, .. })));
        for strange in ["", "[]", "{}", r#"{"ack":"x"}"#, r#"{"seq":-1,"event":1}"#] {
            assert!(FromServer::parse(strange).is_err(), "{strange}");
            assert!(FromClient::parse(strange).is_err(), "{strange}");
        }
    }
}
