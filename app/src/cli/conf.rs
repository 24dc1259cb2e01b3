//! Settings on the command line: `--conf KEY=VALUE`, and `faultline conf`, which lists them.

use clap::Args;
use faultline_engine::config::{self, EngineConfig};
use std::io::{self, Write};

/// One `KEY=VALUE`, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment(String);

/// Settings of a run.
#[derive(Clone, Debug, Default, Args)]
pub struct Conf {
    /// A setting, for example spark.task.maxFailures=2; may be repeated; `faultline conf` lists all
    #[arg(long, value_name = "KEY=VALUE", value_parser = parse_assignment)]
    pub conf: Vec<Assignment>,
}

impl Conf {
    /// Sets them, the last one last.
    pub fn apply(&self, config: &mut EngineConfig) {
        for Assignment(text) in &self.conf {
            // Checked when the command line was read: what is set does not depend on what was set before.
            drop(config.assign(text));
        }
    }

    /// Whether none is given.
    pub fn is_empty(&self) -> bool {
        self.conf.is_empty()
    }
}

fn parse_assignment(text: &str) -> Result<Assignment, String> {
    EngineConfig::default().assign(text).map_err(|error| error.to_string())?;
    Ok(Assignment(text.to_owned()))
}

/// Prints every setting with its default and what it does.
pub fn conf(out: &mut dyn Write) -> io::Result<()> {
    out.write_all(config::table().as_bytes())?;
    out.flush()
}
