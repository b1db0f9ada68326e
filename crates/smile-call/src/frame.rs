//! Frames: a `u32` big-endian length, then that many bytes of JSON.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The longest frame accepted from a peer that has not said who it is.
pub const STRANGER_BYTES_MAX: usize = 1 << 20;
/// The longest frame accepted from a known peer.
pub const FRAME_BYTES_MAX: usize = 16 << 20;
/// How much is asked of the transport at once; memory grows with what came, not with what was
/// announced.
const READ_BYTES: usize = 8 << 10;
const HEADER_BYTES: usize = 4;

/// What is wrong with the bytes of a peer; each ends the stream.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The length is zero.
    #[error("a frame of length zero")]
    Empty,
    /// The length is over the limit.
    #[error("a frame of {announced} bytes is over the limit of {limit}")]
    TooLarge {
        /// The length announced or about to be sent.
        announced: usize,
        /// The limit.
        limit: usize,
    },
    /// The stream ended inside a header or a body.
    #[error("the stream ended inside a frame")]
    Truncated,
    /// The transport failed.
    #[error("could not {what} the stream")]
    Io {
        /// `read` or `write`.
        what: &'static str,
        /// The cause.
        source: std::io::Error,
    },
}

/// Takes one whole frame's body from the front of `buffer`; `None` while it is not complete.
///
/// # Errors
/// [`FrameError::Empty`] and [`FrameError::TooLarge`], as soon as the header is there.
pub fn decode(buffer: &mut BytesMut, limit: usize) -> Result<Option<Bytes>, FrameError> {
    let Some((header, rest)) = buffer.split_first_chunk::<HEADER_BYTES>() else { return Ok(None) };
    let announced = u32::from_be_bytes(*header) as usize;
    if announced == 0 {
        return Err(FrameError::Empty);
    }
    if announced > limit {
        return Err(FrameError::TooLarge { announced, limit });
    }
    if rest.len() < announced {
        return Ok(None);
    }
    buffer.advance(HEADER_BYTES);
    Ok(Some(buffer.split_to(announced).freeze()))
}

/// Appends `body` as one frame to `buffer`.
///
/// # Errors
/// [`FrameError::Empty`] and [`FrameError::TooLarge`], before anything is written.
pub fn encode(body: &[u8], limit: usize, buffer: &mut BytesMut) -> Result<(), FrameError> {
    if body.is_empty() {
        return Err(FrameError::Empty);
    }
    let announced = body.len();
    let Some(length) = u32::try_from(announced).ok().filter(|_| announced <= limit) else {
        return Err(FrameError::TooLarge { announced, limit });
    };
    buffer.reserve(HEADER_BYTES + announced);
    buffer.put_u32(length);
    buffer.put_slice(body);
    Ok(())
}

/// Reads frames from a stream.
#[derive(Debug)]
pub struct FrameReader<R> {
    inner: R,
    buffer: BytesMut,
    limit: usize,
}

impl<R: AsyncRead + Unpin> FrameReader<R> {
    /// Reads from `inner` frames of at most `limit` bytes.
    pub fn new(inner: R, limit: usize) -> Self {
        Self { inner, buffer: BytesMut::new(), limit }
    }

    /// The next frame's body; `None` when the stream ended between two frames.
    ///
    /// # Cancel safety
    /// What was read stays in the buffer: dropping this future loses nothing.
    ///
    /// # Errors
    /// [`FrameError`]; after one the stream is of no more use.
    pub async fn next(&mut self) -> Result<Option<Bytes>, FrameError> {
        loop {
            if let Some(body) = decode(&mut self.buffer, self.limit)? {
                return Ok(Some(body));
            }
            self.buffer.reserve(READ_BYTES);
            let count = (&mut self.inner)
                .take(READ_BYTES as u64)
                .read_buf(&mut self.buffer)
                .await
                .map_err(|source| FrameError::Io { what: "read", source })?;
            if count == 0 {
                return if self.buffer.is_empty() { Ok(None) } else { Err(FrameError::Truncated) };
            }
        }
    }
}

/// Writes `body` as one frame and flushes it.
///
/// # Errors
/// [`FrameError`].
pub async fn write<W: AsyncWrite + Unpin>(
    writer: &mut W,
    body: &[u8],
    limit: usize,
) -> Result<(), FrameError> {
    let mut buffer = BytesMut::new();
    encode(body, limit, &mut buffer)?;
    let failed = |source| FrameError::Io { what: "write", source };
    writer.write_all(&buffer).await.map_err(failed)?;
    writer.flush().await.map_err(failed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(bodies: &[Vec<u8>]) -> BytesMut {
        let mut buffer = BytesMut::new();
        for body in bodies {
            encode(body, FRAME_BYTES_MAX, &mut buffer).unwrap();
        }
        buffer
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    proptest! {
        #[test]
        fn decode_never_panics(bytes: Vec<u8>, limit in 0_usize..4096) {
            let mut buffer = BytesMut::from(bytes.as_slice());
            while let Ok(Some(_)) = decode(&mut buffer, limit) {}
        }

        #[test]
        fn frames_survive_any_cut(
            bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..200), 0..8),
            chunk in 1_usize..50,
        ) {
            let wire = encoded(&bodies);
            let mut buffer = BytesMut::new();
            let mut seen = Vec::new();
            for piece in wire.chunks(chunk) {
                buffer.extend_from_slice(piece);
                while let Some(body) = decode(&mut buffer, FRAME_BYTES_MAX).unwrap() {
                    seen.push(body.to_vec());
                }
            }
            prop_assert_eq!(seen, bodies);
            prop_assert!(buffer.is_empty());
        }

        #[test]
        fn an_end_between_frames_is_clean_and_within_is_not(
            body in prop::collection::vec(any::<u8>(), 1..100),
            cut in 0_usize..104,
        ) {
            let wire = encoded(&[body]);
            let cut = cut.min(wire.len());
            let end = block_on(async {
                let mut reader = FrameReader::new(&wire[..cut], FRAME_BYTES_MAX);
                loop {
                    match reader.next().await {
                        Ok(Some(_)) => {}
                        other => break other,
                    }
                }
            });
            if cut == 0 || cut == wire.len() {
                prop_assert!(matches!(end, Ok(None)));
            } else {
                prop_assert!(matches!(end, Err(FrameError::Truncated)));
            }
        }
    }

    #[test]
    fn lengths_are_judged_before_the_body_comes() {
        let check = |header: [u8; 4], limit| decode(&mut BytesMut::from(&header[..]), limit);
        assert!(matches!(check([0; 4], 10), Err(FrameError::Empty)));
        assert!(matches!(
            check([0xff; 4], FRAME_BYTES_MAX),
            Err(FrameError::TooLarge { announced: 0xffff_ffff, .. })
        ));
        assert!(matches!(check([0, 0, 0, 10], 10), Ok(None)));
        assert!(matches!(check([0, 0, 0, 11], 10), Err(FrameError::TooLarge { .. })));
    }

    #[test]
    fn an_announced_length_reserves_nothing() {
        let wire = [0, 0xff, 0xff, 0xff, b'x'];
        let mut reader = FrameReader::new(&wire[..], FRAME_BYTES_MAX);
        assert!(matches!(block_on(reader.next()), Err(FrameError::Truncated)));
        assert!(reader.buffer.capacity() <= 4 * READ_BYTES, "{}", reader.buffer.capacity());
    }

    #[test]
    fn a_body_over_the_limit_is_not_sent() {
        let mut sent = Vec::new();
        let refused = block_on(write(&mut sent, &[0; 11], 10));
        assert!(matches!(refused, Err(FrameError::TooLarge { announced: 11, limit: 10 })));
        assert!(sent.is_empty());
    }
}
