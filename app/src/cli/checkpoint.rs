//! `faultline checkpoint inspect`: what a driver would find in a directory.

use super::args::InspectArgs;
use crate::inspection::{read, sections};
use std::io::Write;

/// Prints what the directory holds.
///
/// # Errors
/// When it cannot be read, or holds no graph checkpoint that can be used.
pub fn inspect_directory(args: &InspectArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let found = read(&args.dir)?;
    if args.json {
        serde_json::to_writer_pretty(&mut *out, &found)?;
        writeln!(out)?;
    } else {
        for (i, section) in found.iter().flat_map(sections).enumerate() {
            writeln!(out, "{}{}", if i == 0 { "" } else { "\n" }, section.title)?;
            section.lines.iter().try_for_each(|line| writeln!(out, "  {}", line.text))?;
        }
    }
    if found.iter().all(|inspection| inspection.used.is_none()) {
        anyhow::bail!("no graph checkpoint in {} can be used", args.dir.display());
    }
    Ok(())
}
