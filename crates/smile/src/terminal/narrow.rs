//! A terminal that says it is a little narrower than it is. The live line is padded to the width;
//! the `^C` that a terminal echoes would wrap there, and leave the line behind.

use std::io;

use console::Term;
use indicatif::TermLike;

/// Room for `^C`, twice.
const LEFT_FREE: u16 = 5;

#[derive(Debug)]
pub(super) struct Narrow(Term);

impl Narrow {
    /// Standard output; buffered, so that a line is drawn in one write.
    pub(super) fn stdout() -> Self {
        Self(Term::buffered_stdout())
    }
}

impl TermLike for Narrow {
    fn width(&self) -> u16 {
        self.0.size().1.saturating_sub(LEFT_FREE).max(20)
    }
    fn height(&self) -> u16 {
        self.0.size().0
    }
    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_up(n)
    }
    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_down(n)
    }
    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_right(n)
    }
    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_left(n)
    }
    fn write_line(&self, s: &str) -> io::Result<()> {
        self.0.write_line(s)
    }
    fn write_str(&self, s: &str) -> io::Result<()> {
        self.0.write_str(s)
    }
    fn clear_line(&self) -> io::Result<()> {
        self.0.clear_line()
    }
    fn flush(&self) -> io::Result<()> {
        self.0.flush()
    }
}
