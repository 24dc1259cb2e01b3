//! `toDebugString` against what Spark 3.5.9 printed for the same programs (`spark.txt`).

mod programs;
mod text;

use faultline_tests::{Loop, run, settings};
use programs::{Shown, files, programs};
use text::{normal, sections};

/// Sections whose operators are on their way: pipes.
const WAITING: [u32; 1] = [33];

const SPARK: &str = include_str!("spark.txt");

/// Without it class names, indentation, levels, stored partitions, partitioners or cuts would not be what
/// a reader of Spark's texts knows.
#[test]
fn lineages_are_sparks() {
    for &loop_ in Loop::ALL {
        let (shown, _) = run(loop_, settings(0, &[]), |sc| programs(sc, &files()));
        let mut shown: Vec<Shown> = shown.expect("no program fails");
        let mut wrong = Vec::new();
        for section in sections(SPARK) {
            let number: u32 = section.title.split('.').next().and_then(|n| n.parse().ok()).expect("a number");
            let Some(at) = shown.iter().position(|s| s.number == number) else {
                if !WAITING.contains(&number) {
                    wrong.push(format!("nobody builds {}", section.title));
                }
                continue;
            };
            let (ours, spark) = (normal(&shown.swap_remove(at).text), normal(&section.text));
            if ours != spark {
                wrong.push(format!("{}\nours:\n{ours}\nSpark:\n{spark}\n", section.title));
            }
        }
        wrong.extend(shown.iter().map(|s| format!("Spark printed no {}", s.number)));
        assert!(wrong.is_empty(), "{loop_:?}\n{}", wrong.join("\n"));
    }
}

/// Without it the switch would not show what Spark's text hides: that a mark waits for a job, and that a
/// part of the partitions is stored.
#[test]
fn more_than_spark_tells() {
    use faultline_engine::lineage::Detail;
    for &loop_ in Loop::ALL {
        let (texts, _) = run(loop_, settings(0, &[]), |sc| {
            sc.set_checkpoint_dir("checkpoints");
            let kept = sc.parallelize((0..8u32).collect(), 2).map(|v| v).cache()?;
            kept.checkpoint()?;
            let marked = kept.lineage_text(Detail::Full);
            let part = sc.parallelize((0..8u32).collect(), 2).map(|v| v).cache()?;
            part.run_on(&[1], |values| values.len())?;
            Ok((marked, part.lineage_text(Detail::Full), part.to_debug_string()))
        });
        let (marked, full, spark) = texts.expect("nothing fails");
        let first = marked.lines().next().unwrap_or_default();
        assert!(first.ends_with("[Memory Deserialized 1x Replicated] marked for checkpoint, not written"), "{marked}");
        assert!(full.contains("CachedPartitions: 1 of 2; "), "{loop_:?} {full}");
        assert!(spark.contains("CachedPartitions: 1; ") && !spark.contains(" of "), "{loop_:?} {spark}");
    }
}
