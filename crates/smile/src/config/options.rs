//! What may be written: every field optional. The schema made from these types is what a file is
//! checked against, what editors complete from, and what `docs/schema/` publishes.

use std::num::{NonZeroU32, NonZeroU64};

use schemars::{JsonSchema, generate::SchemaSettings};
use serde::Deserialize;

/// The configuration of SMILE, `smile.json`. Comments and trailing commas are allowed. Paths are
/// relative to the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(title = "smile.json")]
pub(crate) struct Options {
    /// Where this schema is; for editors only.
    #[serde(rename = "$schema")]
    pub(crate) schema: Option<String>,
    /// The tutorial to run when the command line names none. Default: `tutorial.md`.
    pub(crate) tutorial: Option<String>,
    /// The model's provider. The literal reader needs none.
    pub(crate) llm_provider: Option<Provider>,
    /// How often the student may begin. Default: 10.
    pub(crate) max_iterations: Option<NonZeroU32>,
    /// The whole run's time in seconds. Default: 1800.
    pub(crate) timeout: Option<NonZeroU64>,
    /// One step's time in seconds, whatever it does. Default: 600.
    pub(crate) step_timeout: Option<NonZeroU64>,
    /// The image of a container backend. The native sandbox uses `base`.
    pub(crate) container_image: Option<String>,
    /// How patient the student is, and when it counts as stuck.
    pub(crate) student_behavior: Option<StudentBehaviorOptions>,
    /// What is kept of a container backend's containers. The native sandbox keeps nothing.
    pub(crate) container: Option<ContainerOptions>,
    /// The state of the latest run; runs are kept beside it. Default: `.smile/state.json`.
    pub(crate) state_file: Option<String>,
    /// The folder of the reports. Default: the current folder.
    pub(crate) output_dir: Option<String>,
    /// Where the sandbox is made. Default: `native`.
    pub(crate) backend: Option<Backend>,
    /// The root file system that the sandbox starts from, a folder or a tar archive. Default: the
    /// host's own system without its private places.
    pub(crate) base: Option<String>,
    /// What the sandbox may reach. Default: `internet`.
    pub(crate) network: Option<Network>,
    /// Hosts that may be reached although they are private, each as `HOST`, `ADDRESS/BITS` or
    /// either with `:PORT`. What the host's own proxies and registries need is allowed anyway.
    pub(crate) allow_hosts: Option<Vec<String>>,
    /// Files and folders that the reader is given, each as `SOURCE` or `SOURCE:DESTINATION`.
    pub(crate) files: Option<Vec<String>>,
    /// The environment inside.
    pub(crate) environment: Option<EnvironmentOptions>,
    /// What the sandbox may use.
    pub(crate) limits: Option<LimitOptions>,
    /// No capabilities and no new privileges inside; `sudo` cannot work then. Default: false.
    pub(crate) strict: Option<bool>,
    /// Limits that may be missing where the system cannot enforce them. Default: none.
    pub(crate) allow_missing_limits: Option<Vec<LimitName>>,
    /// End at the first gap that blocks, as a learner would. Default: false.
    pub(crate) stop_at_first: Option<bool>,
    /// From which severity on gaps make the exit code 1. Default: `major`.
    pub(crate) fail_on: Option<FailOn>,
    /// The reports to write. Default: `md` and `json`.
    pub(crate) formats: Option<Vec<Format>>,
    /// The reader's circumstances. Default: `default`.
    pub(crate) persona: Option<Persona>,
    /// The largest tutorial read, in bytes. Default: 102400.
    pub(crate) tutorial_bytes_max: Option<NonZeroU64>,
}

/// How patient the student is, and when it counts as stuck.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct StudentBehaviorOptions {
    /// How often a failure that may pass by itself is tried again. Default: 3.
    pub(crate) max_retries_before_help: Option<u32>,
    /// Stuck when something is missing. Default: true.
    pub(crate) ask_on_missing_dependency: Option<bool>,
    /// Stuck when the text leaves open what to do. Default: true.
    pub(crate) ask_on_ambiguous_instruction: Option<bool>,
    /// Stuck when a command fails. Default: true.
    pub(crate) ask_on_command_failure: Option<bool>,
    /// Stuck when a command does not end. Default: true.
    pub(crate) ask_on_timeout: Option<bool>,
    /// Seconds without output, processor use or file change. Default: 60.
    pub(crate) timeout_seconds: Option<NonZeroU64>,
    /// Stretches the limits. Default: `low`.
    pub(crate) patience_level: Option<PatienceLevel>,
}

/// What is kept of a container backend's containers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ContainerOptions {
    /// Keep it after a failed run. Default: true.
    pub(crate) keep_on_failure: Option<bool>,
    /// Keep it after a good run. Default: false.
    pub(crate) keep_on_success: Option<bool>,
}

/// The environment inside.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct EnvironmentOptions {
    /// Names of host variables that pass, beside proxies and certificates; `*` at the end stands
    /// for any rest.
    pub(crate) pass: Option<Vec<String>>,
}

/// What the sandbox may use.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[expect(clippy::struct_field_names, reason = "the names say unit and bound, as in the file")]
pub(crate) struct LimitOptions {
    /// Memory in bytes. Default: 4 GiB.
    pub(crate) memory_bytes_max: Option<NonZeroU64>,
    /// Processes and threads. Default: 1024.
    pub(crate) processes_max: Option<NonZeroU32>,
    /// Bytes written to its file system. Default: 8 GiB.
    pub(crate) disk_bytes_max: Option<NonZeroU64>,
}

macro_rules! choices {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema, clap::ValueEnum)]
        #[serde(rename_all = "kebab-case")]
        pub(crate) enum $name { $($(#[$variant_meta])* $variant,)+ }
    };
}

choices! {
    /// A provider of models.
    Provider {
        /// Anthropic's.
        Claude,
        /// That of `OpenAI`.
        Codex,
        /// Google's.
        Gemini,
    }
}
choices! {
    /// How much the student puts up with.
    PatienceLevel {
        /// The limits as they are.
        Low,
        /// Twice the limits.
        Medium,
        /// Four times the limits.
        High,
    }
}
choices! {
    /// Where a sandbox is made.
    Backend {
        /// Namespaces of this Linux kernel; no daemon.
        Native,
    }
}
choices! {
    /// What a sandbox may reach.
    Network {
        /// The internet, but neither this host nor private networks.
        Internet,
        /// Only itself.
        None,
        /// This host's own network.
        Host,
    }
}
choices! {
    /// A limit of the sandbox.
    LimitName {
        /// Memory.
        Memory,
        /// Processes and threads.
        Processes,
        /// Bytes written.
        Disk,
        /// Processors.
        Cpu,
    }
}
choices! {
    /// From which severity on gaps fail the run.
    FailOn {
        /// Any gap.
        Minor,
        /// A gap that costs a detour, or worse.
        Major,
        /// Only a gap that blocks.
        Critical,
        /// No gap.
        Never,
    }
}
choices! {
    /// A report's format.
    Format {
        /// `smile-report.md`, for people.
        Md,
        /// `smile-report.json`, for programs.
        Json,
        /// `smile-report.sarif`: SARIF 2.1.0, for code scanning.
        Sarif,
        /// `smile-report.junit.xml`, for build servers.
        Junit,
        /// Annotations on standard output, and the summary of the step, for GitHub Actions.
        Github,
        /// `smile-report.tap`, for whatever reads TAP.
        Tap,
    }
}
choices! {
    /// A reader's circumstances.
    Persona {
        /// A friendly machine.
        Default,
        /// A machine without a network, on purpose.
        Offline,
    }
}

impl Options {
    /// Field by field what is set here, else what is set in `lower`.
    #[must_use]
    pub(crate) fn or(self, lower: Self) -> Self {
        Self {
            schema: self.schema.or(lower.schema),
            tutorial: self.tutorial.or(lower.tutorial),
            llm_provider: self.llm_provider.or(lower.llm_provider),
            max_iterations: self.max_iterations.or(lower.max_iterations),
            timeout: self.timeout.or(lower.timeout),
            step_timeout: self.step_timeout.or(lower.step_timeout),
            container_image: self.container_image.or(lower.container_image),
            student_behavior: self.student_behavior.or(lower.student_behavior),
            container: self.container.or(lower.container),
            state_file: self.state_file.or(lower.state_file),
            output_dir: self.output_dir.or(lower.output_dir),
            backend: self.backend.or(lower.backend),
            base: self.base.or(lower.base),
            network: self.network.or(lower.network),
            allow_hosts: self.allow_hosts.or(lower.allow_hosts),
            files: self.files.or(lower.files),
            environment: self.environment.or(lower.environment),
            limits: self.limits.or(lower.limits),
            strict: self.strict.or(lower.strict),
            allow_missing_limits: self.allow_missing_limits.or(lower.allow_missing_limits),
            stop_at_first: self.stop_at_first.or(lower.stop_at_first),
            fail_on: self.fail_on.or(lower.fail_on),
            formats: self.formats.or(lower.formats),
            persona: self.persona.or(lower.persona),
            tutorial_bytes_max: self.tutorial_bytes_max.or(lower.tutorial_bytes_max),
        }
    }

    /// The fields that are set and that nothing in this version acts upon, with the reason.
    pub(crate) fn without_effect(&self) -> Vec<(&'static str, &'static str)> {
        let literal = "the student is the literal reader, which needs no model";
        let native = "the sandbox is native; set `base` for another system";
        let mut found = Vec::new();
        found.extend(self.llm_provider.map(|_| ("llmProvider", literal)));
        found.extend(self.container_image.as_ref().map(|_| ("containerImage", native)));
        found.extend(
            self.container
                .as_ref()
                .map(|_| ("container", "the sandbox is native, and nothing of it is kept")),
        );
        found
            .extend(self.max_iterations.map(|_| {
                ("maxIterations", "without a mentor the student reads the tutorial once")
            }));
        found
    }
}

/// The schema of `smile.json`.
pub(crate) fn schema() -> serde_json::Value {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<Options>().to_value()
}
