//! One call over one stream: the caller's side and the handler's side.
//!
//! A stream carries exactly one call and each call has exactly one end: [`CallEnd`] for the
//! caller. A lost stream never looks like an ordinary end.

use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadHalf, WriteHalf},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::{
    envelope::{self, CallError, Code, EnvelopeError, Event, Json, Request},
    frame::{self, FrameError, FrameReader},
};

/// The id of the only call on a stream.
const CALL_ID: &str = "1";
/// How long a handler may go on after an abort or its deadline before it is dropped.
pub const ABORT_GRACE: Duration = Duration::from_millis(1500);

/// Why a call's stream is of no more use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LostError {
    /// The transport or the frames on it.
    #[error("the call's stream broke")]
    Frame(#[source] FrameError),
    /// A frame that is no event of this call.
    #[error("the peer broke the call protocol")]
    Protocol(#[source] EnvelopeError),
    /// An event that has no place here.
    #[error("the peer sent an event out of turn")]
    OutOfTurn,
    /// The stream ended before the call did.
    #[error("the stream ended before the call did")]
    Ended,
}

/// How a call ended, for its caller.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallEnd {
    /// The natural end. Only for subscriptions: the end of a query is its answer.
    #[error("the call is complete")]
    Completed,
    /// The handler failed.
    #[error("the call failed")]
    Failed(#[source] CallError),
    /// Either side cancelled.
    #[error("the call was aborted")]
    Aborted,
    /// The stream broke; what became of the operation is not known.
    #[error("the call was lost")]
    Lost(#[source] LostError),
    /// The input or the output does not have the expected form.
    #[error("the call's input or output has an unexpected form")]
    Form(#[source] serde_json::Error),
}

/// One call under way, on its caller's side.
#[derive(Debug)]
pub struct Call<S> {
    reader: FrameReader<ReadHalf<S>>,
    writer: WriteHalf<S>,
    limit: usize,
}

/// The caller's side.
#[derive(Debug)]
pub struct Caller;

impl Caller {
    /// Sends a request; the answers are read from the [`Call`].
    ///
    /// # Errors
    /// [`CallEnd::Lost`].
    pub async fn start<S: AsyncRead + AsyncWrite>(
        stream: S,
        request: Request,
        limit: usize,
    ) -> Result<Call<S>, CallEnd> {
        let (reader, mut writer) = tokio::io::split(stream);
        send(&mut writer, &Event::Requested(request), limit).await.map_err(CallEnd::Lost)?;
        Ok(Call { reader: FrameReader::new(reader, limit), writer, limit })
    }

    /// Calls a query or mutation and reads its one answer.
    ///
    /// # Errors
    /// [`CallEnd`], but never `Completed`.
    pub async fn once<S: AsyncRead + AsyncWrite, T: DeserializeOwned>(
        stream: S,
        operation: &str,
        input: &impl Serialize,
        limit: usize,
    ) -> Result<T, CallEnd> {
        let request = Request::new(operation, input).map_err(CallEnd::Form)?;
        let mut call = Self::start(stream, request, limit).await?;
        match call.next().await {
            Ok(output) => serde_json::from_str(output.get()).map_err(CallEnd::Form),
            Err(CallEnd::Completed) => Err(CallEnd::Lost(LostError::OutOfTurn)),
            Err(end) => Err(end),
        }
    }
}

impl<S: AsyncRead + AsyncWrite> Call<S> {
    /// The next answer, or how the call ended.
    ///
    /// # Cancel safety
    /// Dropping this future loses nothing.
    ///
    /// # Errors
    /// [`CallEnd`].
    pub async fn next(&mut self) -> Result<Json, CallEnd> {
        match receive(&mut self.reader).await {
            Ok(Some(Event::Responded(output))) => Ok(output),
            Ok(Some(Event::Completed)) => Err(CallEnd::Completed),
            Ok(Some(Event::Aborted)) => Err(CallEnd::Aborted),
            Ok(Some(Event::Failed(error))) => Err(CallEnd::Failed(error)),
            Ok(Some(Event::Requested(_))) => Err(CallEnd::Lost(LostError::OutOfTurn)),
            Ok(None) => Err(CallEnd::Lost(LostError::Ended)),
            Err(error) => Err(CallEnd::Lost(error)),
        }
    }

    /// Asks the handler to stop; its end is still to be read with [`Call::next`].
    ///
    /// # Errors
    /// [`CallEnd::Lost`].
    pub async fn abort(&mut self) -> Result<(), CallEnd> {
        send(&mut self.writer, &Event::Aborted, self.limit).await.map_err(CallEnd::Lost)
    }
}

/// A call that came in on a stream, not answered yet.
#[derive(Debug)]
pub struct Incoming<S> {
    request: Request,
    reader: FrameReader<ReadHalf<S>>,
    writer: WriteHalf<S>,
    limit: usize,
}

/// The way of a handler's answers to its caller.
#[derive(Debug)]
pub struct Responder<S> {
    writer: WriteHalf<S>,
    limit: usize,
    aborted: CancellationToken,
}

/// What a handler that did not fail has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handled {
    /// Its one answer is sent: a query or mutation.
    Answered,
    /// It has come to its natural end: a subscription.
    Completed,
    /// It stopped because it was asked to.
    Aborted,
}

impl<S: AsyncRead + AsyncWrite> Responder<S> {
    /// Sends an answer; waits while the caller is slow.
    ///
    /// # Errors
    /// An error that the handler can hand on as it is.
    pub async fn respond(&mut self, output: &impl Serialize) -> Result<(), CallError> {
        let output = serde_json::value::to_raw_value(output)
            .map_err(|error| CallError::new(Code::Internal, error.to_string()))?;
        send(&mut self.writer, &Event::Responded(output), self.limit).await.map_err(|error| {
            self.aborted.cancel();
            CallError::new(Code::StreamInterrupted, error.to_string())
        })
    }

    /// Is cancelled when the caller aborts or goes away or the deadline passes.
    pub fn aborted(&self) -> &CancellationToken {
        &self.aborted
    }
}

impl<S: AsyncRead + AsyncWrite> Incoming<S> {
    /// Reads the request that opens a call; `None` where the stream ended without one.
    ///
    /// # Errors
    /// [`LostError`].
    pub async fn accept(stream: S, limit: usize) -> Result<Option<Self>, LostError> {
        let (reader, writer) = tokio::io::split(stream);
        let mut reader = FrameReader::new(reader, limit);
        match receive(&mut reader).await? {
            None => Ok(None),
            Some(Event::Requested(request)) => Ok(Some(Self { request, reader, writer, limit })),
            Some(_) => Err(LostError::OutOfTurn),
        }
    }

    /// What is asked for.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// Runs `handler` and sends its end. An abort, a lost caller and the deadline cancel
    /// [`Responder::aborted`]; a handler that is still not done [`ABORT_GRACE`] later is dropped.
    ///
    /// # Errors
    /// [`LostError`] when the end could not be sent.
    pub async fn serve<F>(self, handler: F) -> Result<(), LostError>
    where
        F: AsyncFnOnce(Request, &mut Responder<S>) -> Result<Handled, CallError>,
    {
        let Self { request, mut reader, writer, limit } = self;
        let aborted = CancellationToken::new();
        let mut responder = Responder { writer, limit, aborted: aborted.clone() };
        let deadline = request.deadline_ms.map(Duration::from_millis);
        let stopped = async {
            // Whatever else comes on this stream ends the call: an abort, the end of the stream,
            // or an event that has no place here.
            match deadline {
                None => {
                    let _ = receive(&mut reader).await;
                    Stop::Asked
                }
                Some(deadline) => match timeout(deadline, receive(&mut reader)).await {
                    Ok(_) => Stop::Asked,
                    Err(_) => Stop::Deadline,
                },
            }
        };
        let mut stop = None;
        let result = {
            let handling = handler(request, &mut responder);
            tokio::pin!(handling);
            tokio::select! {
                biased;
                result = &mut handling => Some(result),
                reason = stopped => {
                    stop = Some(reason);
                    aborted.cancel();
                    timeout(ABORT_GRACE, &mut handling).await.ok()
                }
            }
        };
        let end = match (stop, result) {
            (Some(Stop::Deadline), _) => Event::Failed(
                CallError::new(Code::Timeout, "the call's deadline passed").retryable(),
            ),
            (None, Some(Ok(Handled::Answered))) => return Ok(()),
            (None, Some(Ok(Handled::Completed))) => Event::Completed,
            (Some(Stop::Asked), _) | (None, Some(Ok(Handled::Aborted)) | None) => Event::Aborted,
            (None, Some(Err(error))) => Event::Failed(error),
        };
        send(&mut responder.writer, &end, limit).await
    }
}

enum Stop {
    Asked,
    Deadline,
}

async fn send<W: AsyncWrite + Unpin>(
    writer: &mut W,
    event: &Event,
    limit: usize,
) -> Result<(), LostError> {
    let body = envelope::render(CALL_ID, event);
    frame::write(writer, &body, limit).await.map_err(LostError::Frame)
}

async fn receive<R: AsyncRead + Unpin>(
    reader: &mut FrameReader<R>,
) -> Result<Option<Event>, LostError> {
    let Some(body) = reader.next().await.map_err(LostError::Frame)? else { return Ok(None) };
    let (id, event) = envelope::parse(&body).map_err(LostError::Protocol)?;
    if id == CALL_ID {
        Ok(Some(event))
    } else {
        Err(LostError::Protocol(EnvelopeError::WrongId { id }))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt, DuplexStream, duplex};

    use super::*;
    use crate::frame::FRAME_BYTES_MAX as LIMIT;

    async fn handle(
        request: Request,
        responder: &mut Responder<DuplexStream>,
    ) -> Result<Handled, CallError> {
        match request.operation_id.as_str() {
            "echo" => {
                responder.respond(&request.input).await?;
                Ok(Handled::Answered)
            }
            "count" => {
                let end: u32 = serde_json::from_str(request.input.get())
                    .map_err(|error| CallError::new(Code::InvalidInput, error.to_string()))?;
                for number in 0..end {
                    responder.respond(&number).await?;
                }
                Ok(Handled::Completed)
            }
            "quiet" => {
                responder.aborted().cancelled().await;
                responder.respond(&"cleaned up").await?;
                Ok(Handled::Aborted)
            }
            "deaf" => std::future::pending().await,
            other => Err(CallError::new(Code::NotFound, format!("no operation `{other}`"))),
        }
    }

    async fn serve(stream: DuplexStream) -> Result<(), LostError> {
        match Incoming::accept(stream, LIMIT).await? {
            Some(incoming) => incoming.serve(handle).await,
            None => Ok(()),
        }
    }

    /// Calls `operation`, aborts at once where asked, and writes down everything that came.
    async fn check(
        operation: &str,
        input: u32,
        deadline: Option<u64>,
        abort: bool,
        expected: &str,
    ) {
        let (here, there) = duplex(64);
        let client = async {
            let mut request = Request::new(operation, &input).unwrap();
            request.deadline_ms = deadline;
            let mut call = Caller::start(here, request, LIMIT).await.unwrap();
            if abort {
                call.abort().await.unwrap();
            }
            let mut seen = String::new();
            loop {
                match call.next().await {
                    Ok(output) => seen = format!("{seen}{output} "),
                    Err(CallEnd::Failed(error)) => break seen + error.code.as_str(),
                    Err(end) => break seen + &end.to_string(),
                }
            }
        };
        let (seen, served) = tokio::join!(client, serve(there));
        served.unwrap();
        assert_eq!(seen, expected, "{operation}");
    }

    #[tokio::test(start_paused = true)]
    async fn each_call_has_one_end() {
        check("count", 3, None, false, "0 1 2 the call is complete").await;
        check("echo", 3, None, false, "3 the call was lost").await; // Nothing follows an answer.
        check("nothing", 0, None, false, "NOT_FOUND").await;
        check("quiet", 0, None, true, "\"cleaned up\" the call was aborted").await;
        check("deaf", 0, None, true, "the call was aborted").await;
        check("deaf", 0, Some(50), false, "TIMEOUT").await;
    }

    #[tokio::test]
    async fn a_query_reads_its_answer() {
        let (here, there) = duplex(64);
        let call = Caller::once::<_, u32>(here, "echo", &7, LIMIT);
        let (answer, served) = tokio::join!(call, serve(there));
        served.unwrap();
        assert_eq!(answer.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_caller_that_goes_away_aborts() {
        let (here, there) = duplex(64);
        let client = async {
            let request = Request::new("quiet", &0).unwrap();
            drop(Caller::start(here, request, LIMIT).await.unwrap());
        };
        let ((), served) = tokio::join!(client, serve(there));
        assert!(matches!(served, Err(LostError::Frame(_))), "{served:?}");
    }

    #[tokio::test]
    async fn a_handler_that_dies_is_a_lost_call() {
        let (here, mut there) = duplex(64);
        let client = Caller::once::<_, u32>(here, "echo", &7, LIMIT);
        let server = async {
            there.write_all(&[0, 0, 0, 9, b'{']).await.unwrap();
            drop(there);
        };
        let (answer, ()) = tokio::join!(client, server);
        assert!(matches!(
            answer,
            Err(CallEnd::Lost(LostError::Frame(FrameError::Truncated | FrameError::Io { .. })))
        ));
    }
}
