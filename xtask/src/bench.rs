//! What is measured, always against something else in the same run: rounds are interleaved, so
//! that a busy machine slows all alike, and medians are compared.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, bail};

use crate::tool;

const ROUNDS: usize = 15;

/// One way of doing something, and how long it took each round.
struct Way {
    name: &'static str,
    command: Vec<String>,
    times: Vec<Duration>,
}

impl Way {
    fn new(name: &'static str, command: &[&str]) -> Self {
        let command = command.iter().map(|part| (*part).to_owned()).collect();
        Self { name, command, times: Vec::new() }
    }

    fn median(&self) -> Duration {
        let mut times = self.times.clone();
        times.sort_unstable();
        times.get(times.len() / 2).copied().unwrap_or_default()
    }
}

/// Builds what is measured, measures, and prints the table.
pub(crate) fn run() -> anyhow::Result<()> {
    tool::run("cargo", &["build", "--release", "--package", "smile"])?;
    let place = tempfile::tempdir().context("making a folder")?;
    let smile = program()?;
    let mut out =
        String::from("| what | median | beside | ratio | goal |\n|---|---|---|---|---|\n");
    fifty_blocks(&mut out, place.path(), &smile)?;
    recorded_step(&mut out, place.path(), &smile)?;
    tool::say(&out);
    tool::run("cargo", &["bench", "--package", "smile-sandbox", "--bench", "start"])?;
    tool::run("cargo", &["bench", "--package", "smile-guest", "--bench", "step"])?;
    tool::run("cargo", &["bench", "--package", "smile-sandbox", "--bench", "network"])
}

fn program() -> anyhow::Result<PathBuf> {
    let text = tool::output("cargo", &["metadata", "--no-deps", "--format-version", "1"])?;
    let metadata: serde_json::Value = serde_json::from_str(&text)?;
    let target = metadata["target_directory"].as_str().context("no target folder")?;
    let version = tool::output("rustc", &["-vV"])?;
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .context("rustc does not say its host")?;
    Ok(Path::new(target).join(host).join("release/smile"))
}

/// A page of trivial blocks as a whole process, isolated and recorded, against the same lines as
/// one script.
fn fifty_blocks(out: &mut String, place: &Path, smile: &Path) -> anyhow::Result<()> {
    let line = |n: u32| format!("mkdir -p d{n} && echo hello-{n} > d{n}/f && cat d{n}/f");
    let page = page(place, "fifty", 50, line)?;
    let script = place.join("fifty.sh");
    fs::write(&script, (1..=50).map(line).collect::<Vec<_>>().join("\n"))?;
    let work = place.join("work").display().to_string();
    let bash = format!(
        "rm -rf {work}; mkdir {work}; cd {work}; exec bash {script}",
        script = script.display()
    );
    let mut ways = [
        Way::new("the same lines as one bash script", &["bash", "-c", &bash]),
        smile_run("50 trivial blocks, smile run", smile, &page, "internet"),
        smile_run("50 trivial blocks, smile run --network none", smile, &page, "none"),
    ];
    measure(&mut ways, place)?;
    let [bash, internet, none] = &ways;
    row(out, internet, bash, "≤ 3");
    row(out, none, bash, "≤ 3");
    Ok(())
}

/// What one more step costs: the difference between a page of 300 and one of 100, by 200.
fn recorded_step(out: &mut String, place: &Path, smile: &Path) -> anyhow::Result<()> {
    let short = page(place, "short", 100, |_| "true".to_owned())?;
    let long = page(place, "long", 300, |_| "true".to_owned())?;
    let mut ways = [
        smile_run("100 steps", smile, &short, "none"),
        smile_run("300 steps", smile, &long, "none"),
    ];
    measure(&mut ways, place)?;
    let [short, long] = &ways;
    let each = long.median().saturating_sub(short.median()) / 200;
    let _ = writeln!(
        out,
        "| one more recorded step (`true`), journal synced | {:.2} ms | - | - | ≤ 1 ms |",
        each.as_secs_f64() * 1e3
    );
    Ok(())
}

fn page(
    place: &Path,
    name: &str,
    blocks: u32,
    line: impl Fn(u32) -> String,
) -> anyhow::Result<PathBuf> {
    let mut text = format!("# {name}\n");
    for n in 1..=blocks {
        let _ = write!(text, "\nStep {n}:\n\n```sh\n{}\n```\n", line(n));
    }
    let folder = place.join(name);
    fs::create_dir_all(&folder)?;
    let path = folder.join("tutorial.md");
    fs::write(&path, text)?;
    Ok(path)
}

fn smile_run(name: &'static str, smile: &Path, page: &Path, network: &str) -> Way {
    let smile = smile.display().to_string();
    let page = page.display().to_string();
    Way::new(name, &[&smile, "run", &page, "--quiet", "--network", network])
}

fn measure(ways: &mut [Way], place: &Path) -> anyhow::Result<()> {
    for round in 0..=ROUNDS {
        for way in &mut *ways {
            let Some((program, arguments)) = way.command.split_first() else { continue };
            #[expect(clippy::disallowed_types, reason = "this measures real time")]
            let began = std::time::Instant::now();
            let status = Command::new(program)
                .args(arguments)
                .current_dir(place)
                .stdout(Stdio::null())
                .status()
                .with_context(|| format!("could not start `{program}`"))?;
            let took = began.elapsed();
            if !status.success() {
                bail!("`{}` ended with {status}", way.command.join(" "));
            }
            // The first round warms caches up and is not counted.
            if round > 0 {
                way.times.push(took);
            }
        }
    }
    Ok(())
}

fn row(out: &mut String, way: &Way, beside: &Way, goal: &str) {
    let (one, other) = (way.median().as_secs_f64(), beside.median().as_secs_f64());
    let _ = writeln!(
        out,
        "| {} | {:.1} ms | {}: {:.1} ms | {:.1} | {goal} |",
        way.name,
        one * 1e3,
        beside.name,
        other * 1e3,
        one / other.max(f64::EPSILON),
    );
}
