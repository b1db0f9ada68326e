//! How the loop is to behave; complete and checked.

use std::{num::NonZeroU32, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Trigger;

/// Everything that decides how a run goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How patient the student is, and when it counts as stuck.
    pub student: StudentBehavior,
    /// Who answers a stuck student.
    pub mentor: Mentor,
    /// What the student does where nobody can help.
    pub going_on: GoingOn,
    /// How often the student may begin.
    pub iterations_max: NonZeroU32,
    /// Bounds one step as a whole, progress or not.
    pub step_limit: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            student: StudentBehavior::default(),
            mentor: Mentor::None,
            going_on: GoingOn::ToTheEnd,
            iterations_max: NonZeroU32::new(10).expect("ten is not zero"),
            step_limit: Duration::from_mins(10),
        }
    }
}

/// Who answers a stuck student.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mentor {
    /// Nobody.
    None,
    /// Somebody whom the driver asks.
    Asked,
}

/// What the student does where nobody can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GoingOn {
    /// Goes on with the next step, so that the author learns of everything.
    ToTheEnd,
    /// Ends the run, as a learner would.
    StopAtFirst,
}

/// The settings under `studentBehavior`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "the settings' own shape, each bool by name")]
pub struct StudentBehavior {
    /// How often a failing command is repeated before it counts as stuck; only where the failure
    /// may pass by itself.
    pub retries_max: u32,
    /// Whether something missing makes it stuck.
    pub ask_on_missing_dependency: bool,
    /// Whether a text that leaves open what to do makes it stuck.
    pub ask_on_ambiguous_instruction: bool,
    /// Whether a failed command makes it stuck.
    pub ask_on_command_failure: bool,
    /// Whether a command without end makes it stuck.
    pub ask_on_timeout: bool,
    /// How long a command may show no sign of life, before `patience` stretches it.
    pub silence_limit: Duration,
    /// How long it puts up with silence and with repeating.
    pub patience: Patience,
}

impl Default for StudentBehavior {
    fn default() -> Self {
        Self {
            retries_max: 3,
            ask_on_missing_dependency: true,
            ask_on_ambiguous_instruction: true,
            ask_on_command_failure: true,
            ask_on_timeout: true,
            silence_limit: Duration::from_mins(1),
            patience: Patience::Low,
        }
    }
}

impl StudentBehavior {
    /// The silence limit as patience stretches it.
    pub fn silence(&self) -> Duration {
        self.silence_limit.saturating_mul(self.patience.factor())
    }

    /// Whether this trigger makes the student stuck.
    pub fn asks(&self, trigger: Trigger) -> bool {
        match trigger {
            Trigger::MissingDependency => self.ask_on_missing_dependency,
            Trigger::AmbiguousInstruction | Trigger::Placeholder => {
                self.ask_on_ambiguous_instruction
            }
            Trigger::CommandFailure | Trigger::RepeatedFailure | Trigger::OutputMismatch => {
                self.ask_on_command_failure
            }
            Trigger::Timeout | Trigger::UnansweredPrompt => self.ask_on_timeout,
        }
    }
}

/// `patienceLevel`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Patience {
    /// Waits as long as the limit says.
    #[default]
    Low,
    /// Twice as long.
    Medium,
    /// Four times as long.
    High,
}

impl Patience {
    /// By how much limits are stretched.
    pub const fn factor(self) -> u32 {
        match self {
            Self::Low => 1,
            Self::Medium => 2,
            Self::High => 4,
        }
    }
}
