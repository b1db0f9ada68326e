//! Prints how much load retries put on a server that fails, with and without the shared budget.
//! `cargo run -p smile-resilience --example budget`

mod simulation;

use simulation::{CALLS, Load, multiplier};

#[expect(clippy::print_stdout, reason = "printing is what this program is for")]
fn main() {
    println!("load on the server, 1.00 = without retries ({CALLS} calls, 4 attempts each)\n");
    println!("failing   no budget   budget");
    for percent in [5, 30, 100] {
        let without = multiplier(percent, Load::NoBudget, 1);
        let with = multiplier(percent, Load::Budget, 1);
        println!("{percent:>5} %   {without:>9.2}   {with:>6.2}");
    }
}
