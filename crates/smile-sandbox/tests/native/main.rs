//! Tests of the native backend with real sandboxes, as root and as an ordinary user. Run as root,
//! each case is tried as both; run as an ordinary user, as that one.

mod case;
mod escape;
mod guest;
mod leftovers;
mod limits;
mod probe;
mod start;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let mut arguments = std::env::args();
    // As the program itself, this one is `sudo` where a base has none.
    if arguments.next().is_some_and(|name| name.ends_with("sudo")) {
        return smile_guest::sudo_main(arguments.map(Into::into));
    }
    match arguments.next().as_deref() {
        Some("__sandbox") => smile_sandbox::native::helper_main(guest::serve),
        Some("__case") => {
            let name = arguments.next().expect("the name of a case");
            let case = cases().into_iter().find(|case| case.name == name).expect("a known case");
            case.run_here();
            return ExitCode::SUCCESS;
        }
        Some("__alone") => {
            leftovers::alone(&arguments.next().expect("what to do"));
            return ExitCode::SUCCESS;
        }
        _ => {}
    }
    let arguments = Arguments::from_args();
    let trials: Vec<Trial> = cases().into_iter().flat_map(case::Case::trials).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn cases() -> Vec<case::Case> {
    let mut cases = start::cases();
    cases.extend(escape::cases());
    cases.extend(limits::cases());
    cases.extend(leftovers::cases());
    cases
}
