//! The loop's states and the one pure function between them.

use std::num::NonZeroU32;

use crate::RunStatus;

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// The sandbox is being made.
    Starting,
    /// The student is being set going, on a clean machine.
    RunningStudent {
        /// Counted from 1.
        iteration: u32,
    },
    /// The student is at work.
    WaitingForStudent {
        /// Counted from 1.
        iteration: u32,
    },
    /// The student is stuck, and the mentor is being called.
    RunningMentor {
        /// Counted from 1.
        iteration: u32,
    },
    /// The mentor thinks.
    WaitingForMentor {
        /// Counted from 1.
        iteration: u32,
    },
    /// It is over.
    Finished(RunStatus),
}

/// What moves a run from state to state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Signal {
    /// A clean sandbox is there.
    SandboxReady,
    /// None could be made.
    SandboxFailed,
    /// The student's session is open.
    StudentReady,
    /// The student has done something and goes on.
    StudentGoesOn,
    /// The student is through.
    StudentDone,
    /// The student is stuck and asks.
    StudentAsks,
    /// The student is stuck, and nobody is there to ask.
    StudentGivesUp,
    /// The mentor has the question.
    MentorStarted,
    /// The mentor has helped.
    MentorHelped,
    /// The mentor could not.
    MentorHelpless,
    /// Somebody wants an end.
    Stop,
    /// The run's time is over.
    TimeUp,
    /// The tool's own trouble.
    Trouble,
}

/// What follows from a transition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Order {
    /// Open the student's session.
    OpenSession,
    /// Let the student take its next step.
    Step,
    /// Call the mentor.
    CallMentor,
    /// Nothing: an answer is awaited.
    Wait,
    /// Begin again on a clean machine.
    Reset,
    /// End the run.
    Finish,
}

/// A signal that has no place in a state: a mistake of the driver, never of a tutorial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`{signal:?}` has no place in the state `{state:?}`")]
pub struct IllegalTransition {
    /// The state it came in.
    pub state: State,
    /// What came.
    pub signal: Signal,
}

impl State {
    /// The next state and what is to be done on the way there.
    ///
    /// # Errors
    ///
    /// [`IllegalTransition`] where the signal answers nothing that this state has asked for.
    /// A finished run takes every signal and stays: late answers to aborted work are no mistake.
    pub fn next(
        self,
        signal: Signal,
        iterations_max: NonZeroU32,
    ) -> Result<(Self, Order), IllegalTransition> {
        match (self, signal) {
            (Self::Finished(status), _) => Ok((Self::Finished(status), Order::Wait)),
            (_, Signal::Stop) => Ok((Self::Finished(RunStatus::Stopped), Order::Finish)),
            (_, Signal::TimeUp) => Ok((Self::Finished(RunStatus::Timeout), Order::Finish)),
            (_, Signal::Trouble)
            | (Self::Starting | Self::RunningStudent { .. }, Signal::SandboxFailed) => {
                Ok((Self::Finished(RunStatus::HarnessError), Order::Finish))
            }

            (Self::Starting, Signal::SandboxReady) => {
                Ok((Self::RunningStudent { iteration: 1 }, Order::OpenSession))
            }
            (state @ Self::RunningStudent { .. }, Signal::SandboxReady) => {
                Ok((state, Order::OpenSession))
            }
            (Self::RunningStudent { iteration }, Signal::StudentReady)
            | (Self::WaitingForMentor { iteration }, Signal::MentorHelpless) => {
                Ok((Self::WaitingForStudent { iteration }, Order::Step))
            }

            (state @ Self::WaitingForStudent { .. }, Signal::StudentGoesOn) => {
                Ok((state, Order::Wait))
            }
            (Self::WaitingForStudent { .. }, Signal::StudentDone) => {
                Ok((Self::Finished(RunStatus::Completed), Order::Finish))
            }
            (Self::WaitingForStudent { iteration }, Signal::StudentAsks) => {
                Ok((Self::RunningMentor { iteration }, Order::CallMentor))
            }
            (Self::WaitingForStudent { .. }, Signal::StudentGivesUp) => {
                Ok((Self::Finished(RunStatus::Blocker), Order::Finish))
            }

            (Self::RunningMentor { iteration }, Signal::MentorStarted) => {
                Ok((Self::WaitingForMentor { iteration }, Order::Wait))
            }
            (Self::WaitingForMentor { iteration }, Signal::MentorHelped) => {
                if iteration < iterations_max.get() {
                    Ok((Self::RunningStudent { iteration: iteration + 1 }, Order::Reset))
                } else {
                    Ok((Self::Finished(RunStatus::MaxIterations), Order::Finish))
                }
            }

            (
                state @ Self::Starting,
                signal @ (Signal::StudentReady
                | Signal::StudentGoesOn
                | Signal::StudentDone
                | Signal::StudentAsks
                | Signal::StudentGivesUp
                | Signal::MentorStarted
                | Signal::MentorHelped
                | Signal::MentorHelpless),
            )
            | (
                state @ Self::RunningStudent { .. },
                signal @ (Signal::StudentGoesOn
                | Signal::StudentDone
                | Signal::StudentAsks
                | Signal::StudentGivesUp
                | Signal::MentorStarted
                | Signal::MentorHelped
                | Signal::MentorHelpless),
            )
            | (
                state @ Self::WaitingForStudent { .. },
                signal @ (Signal::SandboxReady
                | Signal::SandboxFailed
                | Signal::StudentReady
                | Signal::MentorStarted
                | Signal::MentorHelped
                | Signal::MentorHelpless),
            )
            | (
                state @ Self::RunningMentor { .. },
                signal @ (Signal::SandboxReady
                | Signal::SandboxFailed
                | Signal::StudentReady
                | Signal::StudentGoesOn
                | Signal::StudentDone
                | Signal::StudentAsks
                | Signal::StudentGivesUp
                | Signal::MentorHelped
                | Signal::MentorHelpless),
            )
            | (
                state @ Self::WaitingForMentor { .. },
                signal @ (Signal::SandboxReady
                | Signal::SandboxFailed
                | Signal::StudentReady
                | Signal::StudentGoesOn
                | Signal::StudentDone
                | Signal::StudentAsks
                | Signal::StudentGivesUp
                | Signal::MentorStarted),
            ) => Err(IllegalTransition { state, signal }),
        }
    }
}
