//! What carries out the effects of the loop: a sandbox and its guest, or a fake in tests.

use std::{collections::BTreeSet, future::Future};

use smile_loop::{Effect, Event, Observation, Perform, SandboxFacts};

use crate::{
    watch::{self, Watcher},
    workshop::Described,
};

/// The tool's own trouble, for people. Never a gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble(pub(crate) String);

/// What became of a file that was to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Written {
    /// It is there.
    Done { path: String, existed: bool, bytes: u64 },
    /// A reader would not have been able to either.
    Refused(String),
}

/// What became of an address that was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    /// It answered.
    Answer { status: u16, body: String },
    /// It did not.
    Nothing(String),
}

/// Carries out effects, one at a time. Every future may be dropped at any point; only
/// [`Hands::remove`] is called after that.
pub(crate) trait Hands: Send {
    /// Makes a clean sandbox; an older one is removed first.
    fn create(&mut self) -> impl Future<Output = Result<SandboxFacts, Trouble>> + Send;
    /// What was made, in words; none where nothing was.
    fn described(&self) -> Option<Described>;
    /// Opens the session that the tutorial is followed in.
    fn open_session(&mut self) -> impl Future<Output = Result<(), Trouble>> + Send;
    /// Which of these programs are there.
    fn inspect(
        &mut self,
        programs: Vec<String>,
    ) -> impl Future<Output = Result<BTreeSet<String>, Trouble>> + Send;
    /// Types a command; `output` gets what it prints, live.
    fn perform(
        &mut self,
        perform: Perform,
        output: impl FnMut(&[u8]) + Send,
    ) -> impl Future<Output = Result<Observation, Trouble>> + Send;
    /// Writes a file.
    fn write(
        &mut self,
        path: String,
        content: String,
        append: bool,
    ) -> impl Future<Output = Result<Written, Trouble>> + Send;
    /// Reads a file; none where there is no such file.
    fn read(
        &mut self,
        path: String,
    ) -> impl Future<Output = Result<Option<String>, Trouble>> + Send;
    /// Opens an address.
    fn visit(
        &mut self,
        url: String,
        patience: std::time::Duration,
    ) -> impl Future<Output = Result<Seen, Trouble>> + Send;
    /// Ends everything in the sandbox and removes it, within a second.
    fn remove(&mut self) -> impl Future<Output = ()> + Send;
}

/// Carries out the one effect that has an answer.
pub(crate) async fn answer(hands: &mut impl Hands, effect: Effect, watcher: &mut Watcher) -> Event {
    let outcome = match effect {
        Effect::CreateSandbox | Effect::ResetSandbox => {
            return match hands.create().await {
                Ok(facts) => {
                    if let Some(Described { words, notes }) = hands.described() {
                        watcher.tell(watch::Event::SandboxReady { sandbox: words }).await;
                        for note in notes {
                            watcher.tell(watch::Event::Note(note)).await;
                        }
                    }
                    Event::SandboxReady { facts }
                }
                Err(Trouble(reason)) => Event::SandboxFailed { reason },
            };
        }
        Effect::OpenSession => hands.open_session().await.map(|()| Event::SessionOpened),
        Effect::Inspect { programs } => {
            hands.inspect(programs).await.map(|present| Event::Inspected { present })
        }
        Effect::Perform(perform) => {
            tokio::time::sleep(perform.after).await;
            let step = perform.step;
            let output = |bytes: &[u8]| {
                let text = String::from_utf8_lossy(bytes).into_owned();
                watcher.offer(watch::Event::StepOutput { step, text });
            };
            hands
                .perform(perform, output)
                .await
                .map(|observation| Event::ActionDone { observation })
        }
        Effect::WriteFile { path, content, append } => {
            hands.write(path, content, append).await.map(|written| match written {
                Written::Done { path, existed, bytes } => {
                    Event::FileWritten { path, existed, bytes }
                }
                Written::Refused(reason) => Event::FileFailed { reason },
            })
        }
        Effect::ReadFile { path } => {
            hands.read(path).await.map(|content| Event::FileRead { content })
        }
        Effect::Visit { url, patience } => {
            hands.visit(url, patience).await.map(|seen| match seen {
                Seen::Answer { status, body } => Event::Visited { status, body },
                Seen::Nothing(reason) => Event::VisitFailed { reason },
            })
        }
        Effect::AskMentor { .. }
        | Effect::StepStarted { .. }
        | Effect::StepFinished(_)
        | Effect::Finish(_) => Err(Trouble("an effect without an answer was awaited".to_owned())),
    };
    outcome.unwrap_or_else(|Trouble(reason)| Event::HarnessTrouble { reason })
}
