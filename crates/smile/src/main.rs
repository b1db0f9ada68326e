//! The `smile` program.

fn main() -> std::process::ExitCode {
    smile::main()
}
