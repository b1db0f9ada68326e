//! The steps a newcomer takes, and the blocks they come from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Lines, Location};

/// A tutorial, read once. All text is data of untrusted origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tutorial {
    /// The name of the file, as given to [`crate::parse`].
    pub file: String,
    /// The whole text, as it is on disk but for a byte order mark.
    pub text: String,
    /// The title: the first heading or the front matter's.
    pub title: Option<String>,
    /// Each block of code (fenced, indented, HTML `<pre>`), in order, with its role.
    pub blocks: Vec<Block>,
    /// What the reader does, in order.
    pub steps: Vec<Step>,
    /// What the page itself asks the reader to have ("You need `CMake` 3.14 or newer").
    pub requirements: Vec<Requirement>,
    /// Why the page is reference material and no sequence, where it is one.
    pub reference: Option<String>,
}

/// The longest quote of a [`Location`], in bytes.
const QUOTE_BYTES_MAX: usize = 2_000;

impl Tutorial {
    /// Where some lines stand, as reports show it.
    pub fn location(&self, lines: Lines) -> Location {
        Location {
            file: self.file.clone(),
            first_line: lines.first,
            last_line: lines.last,
            quote: self.quote(lines),
            headings: self.headings_at(lines.first),
        }
    }

    /// The exact text of some lines, at most 2,000 bytes (cut at a character, marked with `…`).
    pub fn quote(&self, lines: Lines) -> String {
        let skip = usize::try_from(lines.first.saturating_sub(1)).unwrap_or(usize::MAX);
        let count = usize::try_from(lines.last.saturating_sub(lines.first)).unwrap_or(0) + 1;
        let mut out = String::new();
        for (index, line) in self.text.lines().skip(skip).take(count).enumerate() {
            if index > 0 {
                out.push('\n');
            }
            out.push_str(line);
            if out.len() > QUOTE_BYTES_MAX {
                out.truncate(out.floor_char_boundary(QUOTE_BYTES_MAX));
                out.push('…');
                break;
            }
        }
        out
    }

    /// The headings above a line, as far as a block or a step knows them, outermost first.
    pub fn headings_at(&self, line: u32) -> Vec<String> {
        let blocks = self.blocks.iter().map(|block| (block.lines.first, &block.headings));
        let steps = self.steps.iter().map(|step| (step.lines.first, &step.headings));
        let above = blocks.chain(steps).filter(|(first, _)| *first <= line);
        let nearest = above.max_by_key(|(first, _)| *first);
        nearest.map(|(_, headings)| headings.clone()).unwrap_or_default()
    }
}

/// The index of a block in [`Tutorial::blocks`].
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct BlockId(pub u32);

/// What a block is to the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Role {
    /// Commands to type.
    Command,
    /// Commands with a prompt, and what they print.
    Session,
    /// The contents of a file that the reader writes.
    File,
    /// What a command before it prints.
    Output,
    /// Another way of doing what another block does; not the one taken here.
    Alternative,
    /// Something shown, such as a directory tree or a fragment of code.
    Listing,
    /// A command or code shown to make a point, not to be carried out.
    Illustration,
    /// An exercise, or the choices of a question.
    Quiz,
}

/// A block of code and what was decided about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Its place in [`Tutorial::blocks`].
    pub id: BlockId,
    /// Its lines, fences included.
    pub lines: Lines,
    /// The info string after the fence, empty where there is none.
    pub info: String,
    /// What it is to the reader.
    pub role: Role,
    /// Why it was taken so, as `smile explain` prints it: a fragment such as
    /// "labelled bash, every line has a prompt".
    pub why: String,
    /// The headings above, outermost first.
    pub headings: Vec<String>,
}

/// One thing the reader does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Counted from 1 in reading order.
    pub number: u32,
    /// The lines of the instruction (of the block's content, without fences).
    pub lines: Lines,
    /// The headings above, outermost first.
    pub headings: Vec<String>,
    /// The block it comes from; none for an instruction in the running text.
    pub block: Option<BlockId>,
    /// What is done.
    pub action: Action,
    /// Why it is a step of this sort, as `smile explain` prints it.
    pub why: String,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Types one command (one complete shell command, possibly of several lines).
    Run(Command),
    /// Writes a file.
    WriteFile {
        /// The path as the page gives it, relative to the current directory.
        path: String,
        /// Its contents, with a final newline.
        content: String,
        /// How it relates to what is there.
        mode: WriteMode,
    },
    /// Opens an address, which must answer.
    Visit {
        /// The address.
        url: String,
    },
    /// Is not carried out; counted in coverage with the reason in [`Step::why`].
    Look,
}

/// How a written file relates to what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum WriteMode {
    /// The file is made, or made anew.
    Replace,
    /// The text goes to the end of the file.
    Append,
    /// The block is a part of the file: the reader fits it in. Lines of the block that the file
    /// has already are context; where no place can be found the page is ambiguous.
    Merge,
}

/// One command and what the page says about it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Command {
    /// The command as typed, prompt removed, without a final newline.
    pub text: String,
    /// What the page shows as its output, where it shows any.
    pub expected: Option<Expected>,
    /// The page says or shows that this fails; then not failing is the gap. Holds why.
    pub expected_failure: Option<String>,
    /// The exit code the author demands by a comment.
    pub exit: Option<i32>,
    /// What the page says to type when the program asks, in order.
    pub answers: Vec<String>,
    /// The page says that this keeps running (another terminal, Ctrl+C to stop, background).
    pub keeps_running: Option<String>,
    /// The author's own limit for this command, in seconds.
    pub timeout_s: Option<u64>,
    /// Stand-ins in the text (`<your-host>`, `YOUR_NAME`, `____`).
    pub placeholders: Vec<String>,
    /// The content that the page says to type into the editor this command opens: file and text.
    pub editor_input: Option<(String, String)>,
}

/// An output that the page promises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The text, ANSI and HTML removed.
    pub text: String,
    /// Where it stands.
    pub lines: Lines,
    /// How it is to be compared.
    pub matching: Match,
}

/// How a promised output is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Match {
    /// The whole output.
    Whole,
    /// A part of it (inline code in a sentence, "among other lines").
    Contains,
    /// Shown for orientation only ("something like this", "your output will differ").
    Loose,
}

/// Something the page itself asks the reader to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// What, as a program's or package's name in lower case (`cmake`, `node`, `docker`).
    pub name: String,
    /// The version asked for, as written.
    pub version: Option<String>,
    /// Where it is said.
    pub lines: Lines,
}
