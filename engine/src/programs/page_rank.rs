//! `page-rank`: an iterative program of many shuffles. Pages are the words of the text, links lead
//! from each word to the word that follows it.

use super::{BuiltIn, ProgramInput};
use crate::error::Result;
use crate::event::StorageLevel;
use crate::rdd::{Line, SparkContext};

/// The program.
pub(super) const PROGRAM: BuiltIn = BuiltIn {
    name: "page-rank",
    summary: "ranks the words of a text by the words that follow them, in 6 iterations; the links are kept in memory",
    about: "an iterative job with many shuffles",
    kept_operator: "groupByKey",
    level: StorageLevel::MEMORY_ONLY,
    streaming: false,
    must_checkpoint: false,
    sample: None,
    run,
};

const ITERATIONS: u32 = 6;
const LINES: usize = 600;
const TOP: usize = 5;

fn run(sc: &SparkContext, input: &ProgramInput) -> Result<()> {
    sc.set_checkpoint_dir("checkpoint");
    let partitions = sc.default_parallelism();
    let lines: Vec<Line> = input.text.first_lines(LINES);
    let links = sc
        .parallelize(lines, partitions)
        .flat_map(|line: Line| {
            let words: Vec<Line> = line
                .split(|c: char| !c.is_alphanumeric())
                .filter(|w| !w.is_empty())
                .map(|w| Line::from(w.to_lowercase()))
                .collect();
            words.windows(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect::<Vec<_>>()
        })
        .group_by_key_in(partitions)
        .persist(PROGRAM.level)?;
    let mut ranks = links.map_values(|_| 1.0f64);
    for iteration in 1..=ITERATIONS {
        ranks = sc.scope(&format!("iteration {iteration}"), || {
            links
                .join(&ranks)
                .flat_map(|(_, (targets, rank)): (Line, (Vec<Line>, f64))| {
                    let share = rank / targets.len() as f64;
                    targets.into_iter().map(move |t| (t, share)).collect::<Vec<_>>()
                })
                .reduce_by_key_in(partitions, |a, b| a + b)
                .map_values(|sum| 0.15 + 0.85 * sum)
        });
        let count = ranks.count()?;
        sc.print(vec![format!("iteration {iteration}: {count} words ranked")]);
    }
    let mut all = ranks.collect()?;
    sc.emit(&all);
    all.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    sc.print(all.iter().take(TOP).map(|(word, rank)| format!("('{word}', {rank:.3})")).collect());
    Ok(())
}
