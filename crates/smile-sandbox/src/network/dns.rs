//! DNS messages: questions from the sandbox, answers for it.
//!
//! Answers with addresses are made anew from the addresses that may be seen (a stub resolver
//! needs no more), so nothing that was filtered can hide in what was passed on.

use std::net::Ipv4Addr;

pub(super) const HEADER_BYTES: usize = 12;

/// A pointer to the name right behind the header.
const NAME_OF_QUESTION: [u8; 2] = [0xc0, 12];

/// Addresses in one answer, so that it fits the 512 bytes that every resolver takes.
const ADDRESSES_MAX: usize = 14;

/// Labels and pointers in one name; a message that has more is not honest.
const LABELS_MAX: usize = 128;

const CLASS_INTERNET: u16 = 1;

/// Record types that are treated by their meaning.
pub(super) mod kind {
    pub(in super::super) const A: u16 = 1;
    pub(in super::super) const AAAA: u16 = 28;
    pub(in super::super) const SVCB: u16 = 64;
    pub(in super::super) const HTTPS: u16 = 65;
    pub(in super::super) const ANY: u16 = 255;
}

/// How an answer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    Success = 0,
    ServerFailure = 2,
    NoSuchName = 3,
    NotImplemented = 4,
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) id: u16,
    /// Lower case, without the final dot.
    pub(super) name: String,
    pub(super) kind: u16,
    recursion_desired: bool,
    /// As it was asked, for the answer to repeat (resolvers may vary the letters' case).
    wire: Vec<u8>,
}

/// What a nameserver answered to a question for addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) code: u8,
    pub(super) truncated: bool,
    /// With their time to live, in seconds.
    pub(super) addresses: Vec<(Ipv4Addr, u32)>,
}

/// Reads a question; none for a message that is no single question about the internet.
pub(super) fn read_question(message: &[u8]) -> Option<Question> {
    let id = u16_at(message, 0)?;
    let flags = u16_at(message, 2)?;
    let is_query = flags & 0xf800 == 0;
    if !is_query || u16_at(message, 4)? != 1 {
        return None;
    }
    let (name, end) = read_name(message, HEADER_BYTES)?;
    let kind = u16_at(message, end)?;
    if u16_at(message, end + 2)? != CLASS_INTERNET {
        return None;
    }
    Some(Question {
        id,
        name,
        kind,
        recursion_desired: flags & 0x0100 != 0,
        wire: message[HEADER_BYTES..end + 4].to_vec(),
    })
}

/// Asks a nameserver the same question under another id.
pub(super) fn write_question(question: &Question, id: u16) -> Vec<u8> {
    let mut message = header(id, 0x0100, 0);
    message.extend_from_slice(&question.wire);
    message
}

/// Answers a question by addresses.
pub(super) fn write_answer(
    question: &Question,
    code: Code,
    addresses: &[(Ipv4Addr, u32)],
) -> Vec<u8> {
    let addresses = &addresses[..addresses.len().min(ADDRESSES_MAX)];
    let desired = u16::from(question.recursion_desired) << 8;
    let count = u16::try_from(addresses.len()).unwrap_or(0);
    let mut message = header(question.id, 0x8080 | desired | code as u16, count);
    message.extend_from_slice(&question.wire);
    for (address, seconds) in addresses {
        message.extend_from_slice(&NAME_OF_QUESTION);
        message.extend_from_slice(&kind::A.to_be_bytes());
        message.extend_from_slice(&CLASS_INTERNET.to_be_bytes());
        message.extend_from_slice(&seconds.to_be_bytes());
        message.extend_from_slice(&4_u16.to_be_bytes());
        message.extend_from_slice(&address.octets());
    }
    message
}

/// Whether a message answers the question that was asked under this id.
pub(super) fn answers(message: &[u8], question: &Question, id: u16) -> bool {
    let echoed = message.get(HEADER_BYTES..HEADER_BYTES + question.wire.len());
    u16_at(message, 0) == Some(id)
        && u16_at(message, 2).is_some_and(|flags| flags & 0x8000 != 0)
        && echoed.is_some_and(|echoed| echoed.eq_ignore_ascii_case(&question.wire))
}

/// Whether a message says that it was too large for a datagram.
pub(super) fn is_truncated(message: &[u8]) -> bool {
    u16_at(message, 2).is_some_and(|flags| flags & 0x0200 != 0)
}

/// Reads an answer to a question for addresses.
pub(super) fn read_answer(message: &[u8]) -> Option<Answer> {
    let flags = u16_at(message, 2)?;
    let mut at = HEADER_BYTES;
    for _ in 0..u16_at(message, 4)? {
        at = read_name(message, at)?.1 + 4;
    }
    let mut addresses = Vec::new();
    for _ in 0..u16_at(message, 6)? {
        let (_, end) = read_name(message, at)?;
        let (kind, class) = (u16_at(message, end)?, u16_at(message, end + 2)?);
        let seconds = message.get(end + 4..)?.first_chunk::<4>()?;
        let length = usize::from(u16_at(message, end + 8)?);
        let data = message.get(end + 10..end + 10 + length)?;
        if kind == kind::A
            && class == CLASS_INTERNET
            && let Ok(octets) = <[u8; 4]>::try_from(data)
        {
            addresses.push((Ipv4Addr::from(octets), u32::from_be_bytes(*seconds)));
        }
        at = end + 10 + length;
    }
    Some(Answer { code: (flags & 0xf) as u8, truncated: is_truncated(message), addresses })
}

/// Reads a name, and where it ends.
fn read_name(message: &[u8], start: usize) -> Option<(String, usize)> {
    let mut name = String::new();
    let (mut at, mut end) = (start, None);
    for _ in 0..LABELS_MAX {
        let length = usize::from(*message.get(at)?);
        match length {
            0 => return Some((name, end.unwrap_or(at + 1))),
            1..64 => {
                if !name.is_empty() {
                    name.push('.');
                }
                let label = message.get(at + 1..at + 1 + length)?;
                for &byte in label {
                    // A dot or a stranger in a label must not pass for another name.
                    let plain = byte.is_ascii_graphic() && byte != b'.' && byte != b'\\';
                    name.push(if plain { byte.to_ascii_lowercase() } else { b'?' }.into());
                }
                at += 1 + length;
            }
            192.. => {
                end = end.or(Some(at + 2));
                at = usize::from(u16_at(message, at)? & 0x3fff);
            }
            _ => return None,
        }
    }
    None
}

fn header(id: u16, flags: u16, answers: u16) -> Vec<u8> {
    [id, flags, 1, answers, 0, 0].iter().flat_map(|field| field.to_be_bytes()).collect()
}

fn u16_at(message: &[u8], at: usize) -> Option<u16> {
    let bytes = message.get(at..)?.first_chunk()?;
    Some(u16::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn asked(name: &str, kind: u16) -> Vec<u8> {
        let mut message = header(7, 0x0100, 0);
        for label in name.split('.') {
            message.push(u8::try_from(label.len()).unwrap());
            message.extend_from_slice(label.as_bytes());
        }
        message.push(0);
        message.extend_from_slice(&kind.to_be_bytes());
        message.extend_from_slice(&CLASS_INTERNET.to_be_bytes());
        message
    }

    #[test]
    fn a_question_is_read_asked_on_and_answered() {
        let question = read_question(&asked("Packages.Example.org", kind::A)).unwrap();
        assert_eq!((&*question.name, question.kind), ("packages.example.org", kind::A));
        let on = write_question(&question, 99);
        assert_eq!(read_question(&on).unwrap().id, 99);
        let addresses = [(Ipv4Addr::new(1, 2, 3, 4), 60), (Ipv4Addr::new(5, 6, 7, 8), 61)];
        let answer = write_answer(&question, Code::Success, &addresses);
        assert!(answers(&answer, &question, 7));
        assert!(!answers(&answer, &question, 8));
        assert!(!answers(&on, &question, 99), "a question is no answer");
        let read = read_answer(&answer).unwrap();
        assert_eq!((read.code, read.truncated), (0, false));
        assert_eq!(read.addresses, addresses);
        let none = write_answer(&question, Code::NoSuchName, &[]);
        assert_eq!(read_answer(&none).unwrap().code, 3);
    }

    #[test]
    fn addresses_behind_an_alias_are_found() {
        let question = read_question(&asked("www.a.test", kind::A)).unwrap();
        let mut message = header(7, 0x8180, 2);
        message.extend_from_slice(&question.wire);
        // www.a.test is an alias of x.a.test, whose name points into the question.
        message.extend_from_slice(&[0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 9, 0, 4, 1, b'x', 0xc0, 16]);
        message.extend_from_slice(&[0xc0, 40, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 9, 8, 7, 6]);
        let answer = read_answer(&message).unwrap();
        assert_eq!(answer.addresses, [(Ipv4Addr::new(9, 8, 7, 6), 9)]);
    }

    #[test]
    fn pointers_in_a_circle_are_no_name() {
        let mut message = header(7, 0, 0);
        message.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1]);
        assert_eq!(read_question(&message), None);
    }

    proptest! {
        #[test]
        fn reading_never_panics(bytes: Vec<u8>, counts: [u8; 4]) {
            let mut message = vec![0, 7, 0x01, 0, 0, counts[0], 0, counts[1], 0, counts[2], 0, counts[3]];
            message.extend(bytes);
            read_question(&message);
            read_answer(&message);
        }
    }
}
