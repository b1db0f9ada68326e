//! One command in a session: from its text to its end with the evidence.

mod ending;
mod look;

use std::{io, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use tokio::{
    sync::mpsc::{Permit, Sender},
    time::{Instant, sleep_until, timeout_at},
};
use tokio_util::sync::CancellationToken;

use self::{
    ending::Ending,
    look::{Looker, Sight},
};
use crate::{
    changes::Tree,
    message::{RunCommand, RunEnd, RunEnded, RunEvent},
    output::Kept,
    ports::{self, Listener},
    process,
    reaper::{self, ExitCode},
    session::{Session, report::Report, terminal::Terminal},
};

const READ_BYTES: usize = 64 * 1024;
/// The mark behind a command's output comes within this time, whatever the terminal is doing.
const MARK_WITHIN: Duration = Duration::from_secs(1);
/// How long a job that a command put into the background may print before the next command. A
/// reader takes longer than that to type it.
const SETTLE_MAX: Duration = Duration::from_secs(2);
const SETTLE_QUIET: Duration = Duration::from_millis(200);

/// What a command left behind, for the guest to go on with.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) ended: RunEnded,
    /// Why the session cannot take the next command, where it cannot.
    pub(crate) session: After,
}

/// What becomes of the session after a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// It takes the next command.
    Ready,
    /// A program occupies it; the tutorial goes on in another.
    Occupied,
    /// Its shell has ended.
    Ended,
}

/// What the guest has seen of its surroundings so far, to tell what is new after a command.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) tree: Tree,
    pub(crate) listening: Vec<Listener>,
}

/// What is known of a command under way.
struct Run<'a> {
    session: &'a mut Session,
    command: &'a RunCommand,
    events: &'a Sender<RunEvent>,
    word: String,
    began: Instant,
    kept: Kept,
    sent: u64,
    not_found: Vec<String>,
    inside: Option<(i32, Vec<i32>)>,
    notes: Vec<String>,
    listening_before: Vec<Listener>,
}

/// Why the loop over a command's events ended.
enum Outcome {
    Reported(i32),
    ShellEnded(ExitCode),
    MovedAside,
}

/// Runs a command to its end. The caller's going away is an abort.
///
/// # Errors
/// When the shell cannot be given the command.
pub(crate) async fn run(
    session: &mut Session,
    command: &RunCommand,
    seen: &mut Seen,
    events: &Sender<RunEvent>,
    aborted: &CancellationToken,
) -> io::Result<Finished> {
    let cwd_before = session.cwd.clone();
    let home = session.home();
    if command.track_files {
        seen.tree.before(&[&home, &cwd_before]);
    }
    let earlier_output = BASE64.encode(std::mem::take(&mut session.earlier));
    let began = Instant::now();
    let word = session.give(&command.text).await?;
    let mut run = Run {
        session,
        command,
        events,
        word,
        began,
        kept: Kept::new(command.output_bytes_max),
        sent: 0,
        not_found: Vec::new(),
        inside: None,
        notes: Vec::new(),
        listening_before: seen.listening.clone(),
    };
    let mut ending = None;
    let outcome = run.follow(&mut ending, aborted).await?;
    let duration = began.elapsed();
    run.read_to_mark().await?;
    if matches!(outcome, Outcome::Reported(_)) && starts_jobs(&command.text) {
        run.settle(aborted).await?;
    }
    let Run { session, kept, not_found, inside, mut notes, .. } = run;
    let how = match (&outcome, ending) {
        (Outcome::MovedAside, _) => RunEnd::MovedAside,
        (_, Some(ending)) => {
            notes.extend(ending.note());
            ending.into_how()
        }
        (Outcome::Reported(code), None) => RunEnd::Exited { code: *code },
        (Outcome::ShellEnded(code), None) => RunEnd::ShellEnded { code: *code },
    };
    // Only a process that lives can have begun to listen; asking for ports is the dearer question.
    let own = std::process::id().cast_signed();
    let lives =
        process::children(session.pid.as_raw_nonzero().get()) > 0 || process::children(own) > 1;
    let listening = if lives { ports::begun(&mut seen.listening) } else { Vec::new() };
    let (files, files_cut) =
        if command.track_files { seen.tree.after() } else { (Vec::new(), false) };
    let cut_at = kept.cut_at();
    let output_bytes_total = kept.total();
    let output = kept.into_bytes();
    let mut commands_not_found = not_found;
    if session.shell.kind == crate::session::shell::Kind::Posix {
        commands_not_found.extend(missing_names(&output));
    }
    let ended = RunEnded {
        how,
        output: BASE64.encode(&output),
        cut_at,
        output_bytes_total,
        duration_us: u64::try_from(duration.as_micros()).unwrap_or(u64::MAX),
        cwd_before,
        cwd_after: session.cwd.clone(),
        pipe_status: match (inside, &outcome) {
            (Some((_, parts)), _) => parts,
            (None, Outcome::Reported(code) | Outcome::ShellEnded(code)) => vec![*code],
            (None, Outcome::MovedAside) => Vec::new(),
        },
        commands_not_found,
        listening,
        files,
        files_cut,
        session: session.id,
        limited: None,
        earlier_output,
        notes,
    };
    let session = match outcome {
        Outcome::Reported(_) => After::Ready,
        Outcome::MovedAside => After::Occupied,
        Outcome::ShellEnded(_) => After::Ended,
    };
    Ok(Finished { ended, session })
}

impl Run<'_> {
    /// Follows the command until its shell reports, ends, or is left to it.
    async fn follow(
        &mut self,
        ending: &mut Option<Ending>,
        aborted: &CancellationToken,
    ) -> io::Result<Outcome> {
        let mut buffer = vec![0; READ_BYTES];
        let mut looker = Looker::new(self.command, self.began);
        let whole_limit = self.began + Duration::from_secs(self.command.limit_s);
        loop {
            let next_look = match ending {
                Some(ending) => ending.next_step(),
                None => looker.next_look().min(whole_limit),
            };
            let live = self.sent < self.command.output_bytes_max;
            tokio::select! {
                biased;
                () = aborted.cancelled(), if ending.is_none() => {
                    *ending = Some(Ending::new(RunEnd::Aborted, None));
                }
                report = self.session.reports.next() => {
                    if let Some(status) = self.note(report?) {
                        return Ok(Outcome::Reported(status));
                    }
                }
                code = reaper::ended(&mut self.session.exit) => {
                    return Ok(Outcome::ShellEnded(code));
                }
                () = sleep_until(next_look) => {
                    if let Some(ending) = ending {
                        ending.step(self.session);
                    } else if Instant::now() >= whole_limit {
                        *ending = Some(Ending::new(RunEnd::OverTime, None));
                    } else if let Some(outcome) = self.look(&mut looker, ending).await {
                        return Ok(outcome);
                    }
                }
                read = read_when_wanted(&self.session.terminal, self.events, &mut buffer, live) => {
                    let (count, permit) = read?;
                    looker.saw_output();
                    self.take(&buffer[..count], permit);
                }
            }
        }
    }

    /// Acts on what the looker sees: a question, a server, silence.
    async fn look(
        &mut self,
        looker: &mut Looker<'_>,
        ending: &mut Option<Ending>,
    ) -> Option<Outcome> {
        match looker.look(self.session, &self.listening_before, &self.kept) {
            Sight::Nothing => None,
            Sight::Listening { found, stays } => {
                for (port, program) in found {
                    self.send(RunEvent::Listening { port, program }).await;
                }
                stays.then_some(Outcome::MovedAside)
            }
            Sight::Silent => {
                *ending = Some(Ending::new(RunEnd::Silent, None));
                None
            }
            Sight::Asked { question, keys, answer } => {
                self.session.terminal.type_in(keys.as_bytes());
                self.send(RunEvent::Asked { question, answer: Some(answer) }).await;
                None
            }
            Sight::Edited { program } => {
                let (path, text) = self.command.editor_input.clone().unwrap_or_default();
                let (cwd, home) = (&self.session.cwd, self.session.home());
                let written = crate::files::write_as_editor(&path, cwd, &home, &text);
                *ending = Some(Ending::edited(&program, written));
                None
            }
            Sight::Waits { question, note, program } => {
                self.send(RunEvent::Asked { question, answer: None }).await;
                *ending = Some(Ending::waiting(&program, note));
                None
            }
        }
    }

    /// Takes a report; gives the exit code when it is this command's end.
    fn note(&mut self, report: Report) -> Option<i32> {
        match self.session.note(report) {
            Report::NotFound { name } => {
                if !self.not_found.contains(&name) {
                    self.not_found.push(name);
                }
                None
            }
            Report::Inside { status, pipe_status, .. } => {
                self.inside = Some((status, pipe_status));
                None
            }
            Report::End { word, status, pipe_status, .. } if word == self.word => {
                // The line that reported from inside ended well, and hides the command's status.
                let inside = self.inside.get_or_insert((status, pipe_status));
                let status = if status == 0 { inside.0 } else { status };
                self.session.before.status = status;
                self.session.before.pipe_status.clone_from(&inside.1);
                Some(status)
            }
            Report::End { .. } | Report::Saved { .. } | Report::Ready { .. } => None,
        }
    }

    async fn send(&self, event: RunEvent) {
        // The caller is gone: the abort that follows ends the command.
        let _ = self.events.send(event).await;
    }

    fn take(&mut self, bytes: &[u8], permit: Option<Permit<'_, RunEvent>>) {
        self.kept.push(bytes);
        if let Some(permit) = permit {
            self.sent += bytes.len() as u64;
            let at_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
            permit.send(RunEvent::Output { at_ms, data: BASE64.encode(bytes) });
        }
    }

    /// Reads all output up to now: a mark written behind it on the same terminal comes last.
    async fn read_to_mark(&mut self) -> io::Result<()> {
        let mark = format!("\u{1}{}\u{1}", crate::session::word());
        let mark = mark.as_bytes();
        let mut printed = 0;
        let mut buffer = vec![0; READ_BYTES];
        let mut pending = Vec::new();
        let deadline = Instant::now() + MARK_WITHIN;
        loop {
            // The kernel takes it in one piece unless the terminal's buffer is full.
            printed += self.session.terminal.print(&mark[printed..]);
            let live = self.sent < self.command.output_bytes_max;
            let retry = if printed < mark.len() { Duration::from_millis(1) } else { MARK_WITHIN };
            let until = deadline.min(Instant::now() + retry);
            let read = read_when_wanted(&self.session.terminal, self.events, &mut buffer, live);
            let Ok(read) = timeout_at(until, read).await else {
                if Instant::now() >= deadline {
                    self.take_pending(&pending).await;
                    return Ok(());
                }
                continue;
            };
            let (count, permit) = read?;
            drop(permit);
            pending.extend_from_slice(&buffer[..count]);
            if let Some(at) = find(&pending, mark) {
                let behind = pending.split_off(at);
                self.take_pending(&pending).await;
                self.session.keep_earlier(&behind[mark.len()..]);
                return Ok(());
            }
            // What cannot be the beginning of the mark any more is output.
            let sure = pending.len().saturating_sub(mark.len() - 1);
            let rest = pending.split_off(sure);
            self.take_pending(&pending).await;
            pending = rest;
        }
    }

    async fn take_pending(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let live = self.sent < self.command.output_bytes_max;
        let events = self.events;
        let permit = if live { events.reserve().await.ok() } else { None };
        self.take(bytes, permit);
    }

    /// Waits while jobs just put into the background still begin: a reader would see them do so.
    async fn settle(&mut self, aborted: &CancellationToken) -> io::Result<()> {
        let until = Instant::now() + SETTLE_MAX;
        let mut ticks = 0;
        let mut quiet_since = Instant::now();
        let mut buffer = vec![0; READ_BYTES];
        while Instant::now() < until && !aborted.is_cancelled() {
            let jobs = look::jobs(&process::all(), self.session.pid);
            let now: u64 = jobs.iter().map(|job| job.ticks).sum();
            if jobs.is_empty() || quiet_since.elapsed() >= SETTLE_QUIET {
                return Ok(());
            }
            if now != ticks {
                ticks = now;
                quiet_since = Instant::now();
            }
            let live = self.sent < self.command.output_bytes_max;
            let step = Instant::now() + SETTLE_QUIET / 4;
            let read = read_when_wanted(&self.session.terminal, self.events, &mut buffer, live);
            if let Ok(read) = timeout_at(step, read).await {
                let (count, permit) = read?;
                quiet_since = Instant::now();
                self.take(&buffer[..count], permit);
            }
        }
        Ok(())
    }
}

/// Reads output; while it is sent on live, only when there is room for it on the way, so that a
/// slow reader slows the program down.
///
/// # Cancel safety
/// Dropping this future loses nothing.
async fn read_when_wanted<'a>(
    terminal: &Terminal,
    events: &'a Sender<RunEvent>,
    buffer: &mut [u8],
    live: bool,
) -> io::Result<(usize, Option<Permit<'a, RunEvent>>)> {
    // A receiver that is gone needs no permit: the abort is on its way.
    let permit = if live { events.reserve().await.ok() } else { None };
    Ok((terminal.read(buffer).await?, permit))
}

fn find(bytes: &[u8], mark: &[u8]) -> Option<usize> {
    bytes.windows(mark.len()).position(|window| window == mark)
}

/// Whether a command has a `&` that puts something into the background.
fn starts_jobs(text: &str) -> bool {
    let bytes = text.as_bytes();
    let at = |index: usize| bytes.get(index).copied().unwrap_or(b' ');
    (0..bytes.len()).any(|index| {
        let before = if index == 0 { b' ' } else { at(index - 1) };
        at(index) == b'&'
            && !matches!(at(index + 1), b'&' | b'>' | b'0'..=b'9')
            && !matches!(before, b'&' | b'>' | b'<' | b'|')
    })
}

/// The names that a shell without a hook of its own says it could not find.
fn missing_names(output: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(output);
    let mut names: Vec<String> = text
        .lines()
        .filter_map(|line| {
            let rest = line.strip_suffix(": not found")?;
            let (shell, rest) = rest.split_once(": ")?;
            let name = rest.rsplit_once(": ").map_or(rest, |(_, name)| name);
            shell.trim_start_matches('-').ends_with("sh").then(|| name.to_owned())
        })
        .collect();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ampersands() {
        let check = |text: &str, expected| assert_eq!(starts_jobs(text), expected, "{text}");
        check("sleep 1 &", true);
        check("a & b", true);
        check("a && b", false);
        check("a 2>&1 | b", false);
        check("a &> log", false);
        check("a |& b", false);
        check("a >&2", false);
    }

    #[test]
    fn names_not_found_by_a_small_shell() {
        let output = b"sh: 1: npm: not found\nfine\n-sh: foo: not found\nfile: not found\n";
        assert_eq!(missing_names(output), ["npm", "foo"]);
    }
}
