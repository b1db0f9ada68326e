//! What can be wrong with a tutorial.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Location;

/// The kind of a gap. The list is append-only: names are part of the report's format.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Kind {
    /// A program, package, account or earlier page is needed and nowhere stated.
    MissingPrerequisite,
    /// A file is used that no step makes.
    MissingFile,
    /// A command fails as written.
    FailingCommand,
    /// What is shown is not what comes out.
    OutputMismatch,
    /// A step ends with success and has failed all the same.
    SilentFailure,
    /// The text leaves open what to do.
    AmbiguousInstruction,
    /// A stand-in that the reader must replace, and nothing says by what.
    Placeholder,
    /// A variable is used that nothing sets.
    UndefinedVariable,
    /// A program waits for input that the text does not give.
    InteractiveCommand,
    /// A command does not come back, and the text does not say so.
    LongRunning,
    /// The network, or one host, is needed and not reached.
    Network,
    /// A right is missing: root, a group, a file's mode.
    Permission,
    /// Only another platform's way is given.
    PlatformAlternative,
    /// A path of the author's own machine.
    HardCodedPath,
    /// The step works in another directory than the one the reader is in.
    WrongDirectory,
    /// The output shown can never come out the same.
    NondeterministicOutput,
    /// A screen is needed.
    NeedsDisplay,
    /// An image that is not there.
    MissingImage,
    /// A link that leads nowhere.
    BrokenLink,
    /// The page is reference material, not a sequence of steps.
    NotASequence,
    /// The output comes from another version of a program than the one at hand.
    VersionDrift,
}

/// How much a gap hurts the reader.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Confusion; the reader goes on.
    Minor,
    /// A detour is needed.
    Major,
    /// The reader is blocked.
    Critical,
}

/// A finding of the static reading: nothing was run for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What is wrong.
    pub kind: Kind,
    /// How much it hurts.
    pub severity: Severity,
    /// Where, the first place first; never empty.
    pub locations: Vec<Location>,
    /// One or two sentences to the author: what a newcomer meets here.
    pub problem: String,
    /// What would help.
    pub suggestion: String,
}
