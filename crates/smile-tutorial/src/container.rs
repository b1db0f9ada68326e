//! Containers that Markdown itself does not know: admonitions, tabs, collapsible parts, MDX tags.

use crate::Lines;

/// A part of the page between two markers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Container {
    pub(crate) lines: Lines,
    pub(crate) kind: Kind,
    /// The title or the tab's name.
    pub(crate) label: String,
    /// A file name among the tag's attributes.
    pub(crate) file: Option<String>,
    /// How many containers are around it.
    pub(crate) depth: usize,
}

/// What a container is to the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One of several alternatives.
    Tab,
    /// A set of tabs whose panels are the code blocks themselves.
    CodeGroup,
    /// A note, tip or warning beside the main text.
    Aside,
    /// An exercise or its solution.
    Quiz,
    /// Folded away until the reader asks for it.
    Folded,
    /// Meant for others than the reader: teachers, editors.
    NotForReader,
    /// Only layout.
    Plain,
}

impl Kind {
    /// The kind by the word that opens the container.
    pub(crate) fn of(word: &str) -> Self {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        match word.as_str() {
            "tab" | "tabitem" | "tab-item" | "tabpanel" | "tab-panel" | "tabs-item" => Self::Tab,
            "code-group" | "codegroup" | "code-tabs" | "codetabs" => Self::CodeGroup,
            "note" | "tip" | "info" | "warning" | "danger" | "caution" | "important" | "hint"
            | "callout" | "alert" | "admonition" | "aside" | "seealso" | "attention" | "error"
            | "success" | "example" | "abstract" | "bug" | "quote" | "testimonial"
            | "discussion" | "prereq" | "checklist" => Self::Aside,
            "challenge" | "exercise" | "solution" | "quiz" | "question" | "answer"
            | "exercises" | "practice" | "homework" => Self::Quiz,
            "details" | "spoiler" | "accordion" | "collapse" | "expand" | "dropdown"
            | "collapsible" | "toggle" => Self::Folded,
            "instructor" | "comment" | "todo" | "keypoints" | "objectives" | "questions" => {
                Self::NotForReader
            }
            _ => Self::Plain,
        }
    }

    /// The kind by a folded part's summary.
    pub(crate) fn of_summary(self, label: &str) -> Self {
        let label = label.trim().to_lowercase();
        let quiz = ["solution", "answer", "hint", "show solution", "show answer", "see solution"];
        if self == Self::Folded && quiz.iter().any(|word| label.starts_with(word)) {
            return Self::Quiz;
        }
        self
    }
}
