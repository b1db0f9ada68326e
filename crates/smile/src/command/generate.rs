//! What is generated from the command line's definition: completions, manual pages, schemas.

use std::path::Path;

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::{
    cli::{Cli, SchemaName},
    config,
    failure::{Failure, exit},
    output,
};

/// Prints completions for `shell`.
pub(crate) fn completions(shell: Shell) -> Result<u8, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "smile", &mut text);
    output::print(&String::from_utf8_lossy(&text))?;
    Ok(exit::OK)
}

/// Prints the manual page, or writes all of them.
pub(crate) fn man(folder: Option<&Path>) -> Result<u8, Failure> {
    let Some(folder) = folder else {
        let mut text = Vec::new();
        let page = clap_mangen::Man::new(Cli::command());
        page.render(&mut text).map_err(|error| Failure::harness(&error, ""))?;
        output::print(&String::from_utf8_lossy(&text))?;
        return Ok(exit::OK);
    };
    std::fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), folder))
        .map_err(|error| Failure {
            code: exit::USAGE,
            message: format!("could not write manual pages to `{}`: {error}", folder.display()),
            hint: "name a folder that you may write to".to_owned(),
        })?;
    Ok(exit::OK)
}

/// Prints a published schema.
pub(crate) fn print_schema(name: SchemaName) -> Result<u8, Failure> {
    let schema = match name {
        SchemaName::Config => config::schema(),
        SchemaName::Report => serde_json::json!(null),
    };
    output::print(&format!("{schema:#}\n"))?;
    Ok(exit::OK)
}
