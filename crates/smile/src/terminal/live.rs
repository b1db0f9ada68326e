//! Progress: what is finished stays as one line each; what goes on is one live line below.

use std::{
    collections::BTreeSet,
    io::{self, IsTerminal as _},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use smile_server::{Event, StepOutcome, StepRecord, Watched};
use tokio::sync::mpsc;

use super::{narrow::Narrow, say, spoken};
use crate::output::{Paint, columns, one_line, wrapped};

/// Shorter steps have no time beside them: a column of milliseconds says nothing.
const WORTH_SAYING_MS: u64 = 100;

/// Words of a line that says what went wrong.
const TELLING: [&str; 8] =
    ["not found", "no such", "error", "fatal", "cannot", "can't", "denied", "could not"];

pub(super) fn progress(mut events: mpsc::Receiver<Watched>, everything: bool, paint: &Paint) {
    let mut view = View::new(everything, paint.clone());
    while let Some(watched) = events.blocking_recv() {
        view.take(watched.event);
    }
    view.bar.finish_and_clear();
}

struct View {
    everything: bool,
    live: bool,
    /// The sandbox was told of.
    ready: bool,
    paint: Paint,
    bar: ProgressBar,
    steps: u32,
    line_width: usize,
    /// The reasons that stand above already.
    said: BTreeSet<String>,
}

impl View {
    fn new(everything: bool, paint: Paint) -> Self {
        let live =
            io::stdout().is_terminal() && std::env::var_os("TERM").is_none_or(|t| t != "dumb");
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        Self {
            everything,
            live,
            ready: false,
            paint,
            bar,
            steps: 0,
            line_width: 1,
            said: BTreeSet::new(),
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::RunStarted { tutorial, title, steps, lines, .. } => {
                self.steps = steps;
                self.line_width = lines.to_string().len();
                self.header(&tutorial, title.as_deref(), steps);
                self.start_bar("making the sandbox");
            }
            Event::SandboxReady { sandbox } if !self.ready => {
                self.ready = true;
                let words = one_line(&sandbox, columns().saturating_sub(7));
                self.line(&format!("      {}\n", self.paint.dim.apply_to(words)));
                self.bar.set_message("opening the shell");
            }
            Event::Note(note) if self.bar.position() == 0 => {
                for part in wrapped(&note.text, columns().saturating_sub(10).min(110)) {
                    self.line(&format!("  {} {part}", self.paint.warn.apply_to("!")));
                }
            }
            Event::IterationStart { iteration } if iteration > 1 => {
                self.line(&format!("  The student begins again (iteration {iteration})."));
            }
            Event::StepStarted { step, line, what } => {
                self.bar.set_position(u64::from(step));
                let head = format!("step {step} of {} · line {line} · ", self.steps);
                let room = columns().saturating_sub(head.chars().count() + 16);
                self.bar.set_message(format!("{head}{}", one_line(&what, room)));
                self.bar.reset_elapsed();
            }
            Event::StepOutput { text, .. } if self.everything => {
                for line in text.lines().filter(|line| !line.trim().is_empty()) {
                    let line = one_line(&console::strip_ansi_codes(line), columns() - 12);
                    self.line(&format!("      {} {}", self.paint.dim.apply_to("│"), line));
                }
            }
            Event::StepFinished(record) => self.step(&record),
            Event::LoopComplete(_) => self.bar.finish_and_clear(),
            _ => {}
        }
    }

    fn header(&self, tutorial: &str, title: Option<&str>, steps: u32) {
        let Paint { strong, dim, .. } = &self.paint;
        let title = title.map_or(tutorial, str::trim);
        let title = one_line(title, columns().saturating_sub(8));
        say(&format!("\n{} {}\n", self.paint.accent.apply_to("SMILE"), strong.apply_to(title)));
        let steps = super::count(steps as usize, "step");
        let about = one_line(&format!("{tutorial} · {steps}"), columns().saturating_sub(7));
        say(&format!("      {}\n", dim.apply_to(about)));
    }

    fn start_bar(&mut self, message: &str) {
        if !self.live {
            return;
        }
        self.bar = ProgressBar::with_draw_target(
            Some(u64::from(self.steps)),
            ProgressDrawTarget::term_like_with_hz(Box::new(Narrow::stdout()), 10),
        );
        let template = if self.paint.accent.apply_to("x").to_string() == "x" {
            "  {spinner} {msg} {elapsed}"
        } else {
            "  {spinner:.cyan} {msg} {elapsed:.dim}"
        };
        let style = ProgressStyle::with_template(template)
            .unwrap_or_else(|_| ProgressStyle::default_spinner())
            .tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ");
        self.bar.set_style(style);
        self.bar.set_message(message.to_owned());
        self.bar.enable_steady_tick(Duration::from_millis(120));
    }

    fn step(&mut self, record: &StepRecord) {
        let Paint { good, warn, bad, plain_bad, dim, .. } = &self.paint;
        let (mark, why) = match &record.outcome {
            StepOutcome::Passed => (good.apply_to("✓"), None),
            StepOutcome::FailedAsShown => {
                (good.apply_to("✓"), Some((dim, "fails, as the page shows".to_owned())))
            }
            StepOutcome::Failed(why) => {
                (bad.apply_to("✗"), Some((plain_bad, failure(why, record))))
            }
            StepOutcome::SandboxLimited(why) => {
                (warn.apply_to("!"), Some((warn, format!("the sandbox's limits, no gap: {why}"))))
            }
            StepOutcome::Skipped(why) if self.everything => {
                (dim.apply_to("·"), Some((dim, why.clone())))
            }
            // What is only read is a number at the end, not a line each.
            StepOutcome::Skipped(_) => return,
            _ => (dim.apply_to("?"), None),
        };
        let took = record
            .observation
            .as_ref()
            .filter(|seen| seen.duration_ms >= WORTH_SAYING_MS)
            .map(|seen| spoken(seen.duration_ms))
            .unwrap_or_default();
        let line = format!("{:>width$}", record.lines.first, width = self.line_width);
        let room = columns().saturating_sub(self.line_width + 16);
        let what = one_line(&record.what, room);
        let padding = " ".repeat(room.saturating_sub(console::measure_text_width(&what)));
        let took = if took.is_empty() {
            String::new()
        } else {
            format!("{padding} {}", dim.apply_to(format!("{took:>8}")))
        };
        self.line(&format!("  {mark} {}  {what}{took}", dim.apply_to(line)));
        // The same reason again is only more to read past.
        if let Some((style, why)) = why.filter(|(_, why)| self.said.insert(why.clone())) {
            let indent = self.line_width + 6;
            for part in wrapped(&why, columns().saturating_sub(indent + 2).min(100)) {
                self.line(&format!("{}{}", " ".repeat(indent), style.apply_to(part)));
            }
        }
    }

    /// A line that stays, above the live one.
    fn line(&self, text: &str) {
        if self.bar.is_hidden() || self.bar.is_finished() {
            say(&format!("{text}\n"));
        } else {
            self.bar.suspend(|| say(&format!("{text}\n")));
        }
    }
}

/// Why it failed, with the line of its output that says most: often the whole story.
fn failure(why: &str, record: &StepRecord) -> String {
    let Some(seen) = &record.observation else { return why.to_owned() };
    let plain = console::strip_ansi_codes(&seen.output.text);
    let lines = || plain.lines().rev().map(str::trim).filter(|line| !line.is_empty());
    let telling = lines().find(|line| {
        let line = line.to_lowercase();
        TELLING.iter().any(|word| line.contains(word))
    });
    match telling.or_else(|| lines().next()).map(|line| one_line(line, 120)) {
        Some(line) if !why.contains(&line) => format!("{why}: {line}"),
        _ => why.to_owned(),
    }
}
