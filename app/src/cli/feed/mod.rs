//! `faultline feed`: numbered lines for a run on `ack-tcp://`, sent again until they are acknowledged.
//!
//! What it was told is stored can be compared with what a sink holds: that is the promise of a reliable receiver.

mod client;
mod lines;

use super::UsageError;
use super::interrupt::on_interrupt;
use anyhow::Context;
use clap::Args;
use client::{Client, Outcome};
use lines::Lines;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Arguments of `feed`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  faultline feed localhost:9999 --lines 1000 --rate 200
  faultline feed localhost:9999 --from access.log --name web --out acknowledged
  faultline feed localhost:9999 --lines 1000 --plain       for tcp://, which acknowledges nothing")]
pub struct FeedArgs {
    /// Where the run listens: HOST:PORT
    #[arg(value_name = "HOST:PORT")]
    pub address: String,
    /// The lines of a text file
    #[arg(long, value_name = "FILE", conflicts_with = "lines")]
    pub from: Option<PathBuf>,
    /// So many lines of its own [default: 1000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub lines: Option<u64>,
    /// Number of the first line; those of one name must rise from feed to feed
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub first: u64,
    /// Lines a second [default: as fast as they are taken]
    #[arg(long, value_name = "R", value_parser = clap::value_parser!(u32).range(1..))]
    pub rate: Option<u32>,
    /// Under this name the run recognises lines that it has
    #[arg(long, value_name = "NAME", default_value = "feed")]
    pub name: String,
    /// Write the numbers that were acknowledged, a line each, as they are
    #[arg(long, value_name = "FILE", conflicts_with = "plain")]
    pub out: Option<PathBuf>,
    /// Neither say a name nor wait for acknowledgements: for tcp://
    #[arg(long)]
    pub plain: bool,
}

/// Sends the lines, and tells how many were sent and acknowledged.
pub fn feed(args: &FeedArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    if !args.address.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok()) {
        return Err(UsageError(format!("{:?} is no address; give HOST:PORT", args.address)).into());
    }
    let lines = match &args.from {
        Some(path) => Lines::read(path, args.first)
            .with_context(|| format!("cannot read the lines; give another --from ({})", path.display()))?,
        None => Lines::made(args.first, args.lines.unwrap_or(1000)),
    };
    let acknowledged = args.out.as_deref().map(|path| {
        let file = File::create(path);
        file.with_context(|| format!("cannot write what is acknowledged; choose another --out ({})", path.display()))
    });
    let acknowledged = acknowledged.transpose()?.map(BufWriter::new);
    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&interrupted);
    on_interrupt(move |_| flag.store(true, Ordering::Relaxed))?;
    let mut client = Client::new(args, lines, acknowledged, interrupted);
    let outcome = client.run(out)?;
    writeln!(out, "{}", client.counts())?;
    match outcome {
        Outcome::Done | Outcome::Interrupted => Ok(()),
        Outcome::Refused(why) => anyhow::bail!("{} refuses the lines: {why}", args.address),
    }
}
