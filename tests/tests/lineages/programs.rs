//! The programs whose lineages Spark printed, in our words.

use faultline_engine::error::Result;
use faultline_engine::event::StorageLevel;
use faultline_engine::rdd::{HashPartitioner, Rdd, Replacement, SortOrder, SparkContext};
use faultline_engine::storage::Data;

/// A text with the number of its section.
pub struct Shown {
    pub number: u32,
    pub text: String,
}

/// Files that programs read.
pub struct Files {
    pub services: String,
}

/// A file of a few lines.
pub fn files() -> Files {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    Files { services: path.to_owned() }
}

/// The first line of a section, and its text.
fn described<T: Data>(rdd: &Rdd<T>) -> String {
    let info = rdd.info();
    let partitioner = info.partitioner.map_or_else(
        || "None".to_owned(),
        |p| if p.class == "HashPartitioner" { format!("{}({})", p.class, p.partitions) } else { p.class },
    );
    let checkpointed = rdd.is_checkpointed();
    let file = if rdd.checkpoint_file().is_some() { "Some" } else { "None" };
    format!(
        "parts={} partitioner={partitioner} level={} isCheckpointed={checkpointed} ckFile={file}\n{}",
        info.num_partitions,
        info.level.description(),
        rdd.to_debug_string()
    )
}

#[derive(Default)]
struct Notebook(Vec<Shown>);

impl Notebook {
    fn show<T: Data>(&mut self, number: u32, rdd: &Rdd<T>) {
        self.0.push(Shown { number, text: described(rdd) });
    }
}

fn words_of(sc: &SparkContext) -> Rdd<String> {
    sc.parallelize(["a b c", "b c d", "c d e", "a a a"].map(str::to_owned).to_vec(), 2)
}

fn ones_of(words: &Rdd<String>) -> Rdd<(String, u32)> {
    let split = words.flat_map(|line| line.split(' ').map(str::to_owned).collect::<Vec<_>>());
    split.map(|word| (word, 1u32)).filter(|(_, n)| *n > 0)
}

/// Builds them all.
pub fn programs(sc: &SparkContext, files: &Files) -> Result<Vec<Shown>> {
    let mut book = Notebook::default();
    let words = words_of(sc);
    let ones = ones_of(&words);
    let counts = ones.reduce_by_key(|a, b| a + b);
    book.show(1, &words);
    book.show(2, &sc.text_file(&files.services, 3)?);
    book.show(3, &ones);
    book.show(4, &counts);
    book.show(5, &counts.map_values(|n| n * 2));
    book.show(6, &counts.reduce_by_key(|a, b| a + b));
    by_key(sc, &mut book, &words, &ones, &counts)?;
    narrow(sc, &mut book, &words)?;
    levels(&mut book, &words)?;
    stored(sc, &mut book, &ones)?;
    checkpoints(sc, &mut book, &ones)?;
    let wide = sc.parallelize((1..=10u32).collect(), 12).map(|v| (v, v)).reduce_by_key_in(100, |a, b| a + b);
    book.show(84, &wide.map(|pair| pair));
    Ok(book.0)
}

fn by_key(
    sc: &SparkContext,
    book: &mut Notebook,
    words: &Rdd<String>,
    ones: &Rdd<(String, u32)>,
    counts: &Rdd<(String, u32)>,
) -> Result<()> {
    let other = sc.parallelize(vec![("a".to_owned(), 1.0), ("b".to_owned(), 2.0)], 2);
    book.show(8, &counts.map(|pair| pair).join_with(&other, 2));
    book.show(9, &counts.join(&other));
    let four = HashPartitioner::new(4);
    let left = sc.parallelize((1..=10u32).collect(), 2).map(|v| (v, v)).partition_by(four);
    let right = sc.parallelize((1..=10u32).collect(), 2).map(|v| (v, v * 2)).partition_by(four);
    book.show(10, &left.join(&right));
    book.show(11, &counts.left_outer_join(&other));
    book.show(13, &words.union(&sc.parallelize(vec!["z".to_owned()], 1)));
    book.show(15, &sc.union(&[left, right]));
    book.show(19, &counts.sort_by_key(SortOrder::Ascending)?);
    book.show(21, &words.distinct());
    book.show(22, &ones.group_by_key());
    book.show(23, &words.group_by(|line| line.len() as u32));
    book.show(34, &words.key_by(|line| line.len() as u32).partition_by(four));
    book.show(29, &words.subtract(&sc.parallelize(vec!["a b c".to_owned()], 2)));
    Ok(())
}

fn narrow(sc: &SparkContext, book: &mut Notebook, words: &Rdd<String>) -> Result<()> {
    let length = |line: String| line.len() as u32;
    let ten = || sc.parallelize((1..=10u32).collect(), 4);
    book.show(16, &ten().coalesce(1)?);
    book.show(18, &ten().coalesce_with_shuffle(2)?);
    book.show(25, &words.zip(&words.map(length))?);
    book.show(26, &words.zip_with_index()?);
    book.show(27, &words.cartesian(&sc.parallelize((1..=3u32).collect(), 2)));
    book.show(30, &words.sample(Replacement::Without, 0.5, 1)?);
    book.show(31, &words.map_partitions_with_index(|part, lines| lines.map(move |line| (part, line))));
    book.show(32, &words.glom());
    book.show(35, &words.map(length).set_name("lengths"));
    // Spark schedules a barrier stage all at once; its lineage is that of any mapPartitions.
    book.show(36, &words.map_partitions(|lines| lines));
    let shared = words.map(length);
    book.show(37, &shared.map(|v| v + 1).union(&shared.map(|v| v - 1)).map(|v| v * 2));
    Ok(())
}

/// Each level before and after the first job.
fn levels(book: &mut Notebook, words: &Rdd<String>) -> Result<()> {
    let named = [
        (40, StorageLevel::NONE),
        (42, StorageLevel::DISK_ONLY),
        (44, StorageLevel::DISK_ONLY_2),
        (46, StorageLevel::DISK_ONLY_3),
        (48, StorageLevel::MEMORY_ONLY),
        (50, StorageLevel::MEMORY_ONLY_2),
        (52, StorageLevel::MEMORY_ONLY_SER),
        (54, StorageLevel::MEMORY_ONLY_SER_2),
        (56, StorageLevel::MEMORY_AND_DISK),
        (58, StorageLevel::MEMORY_AND_DISK_2),
        (60, StorageLevel::MEMORY_AND_DISK_SER),
        (62, StorageLevel::MEMORY_AND_DISK_SER_2),
        (64, StorageLevel::OFF_HEAP),
    ];
    for (number, level) in named {
        let rdd = words.map(|line| line.len() as u32);
        if level.is_valid() {
            rdd.persist(level)?;
        }
        book.show(number, &rdd);
        // Spark's file does not hold these after the job.
        if ![StorageLevel::MEMORY_AND_DISK_SER_2, StorageLevel::OFF_HEAP].contains(&level) {
            rdd.count()?;
            book.show(number + 1, &rdd);
        }
        rdd.unpersist();
    }
    Ok(())
}

fn stored(sc: &SparkContext, book: &mut Notebook, ones: &Rdd<(String, u32)>) -> Result<()> {
    let cached = ones.reduce_by_key(|a, b| a + b).cache()?;
    book.show(65, &cached);
    book.show(66, &cached.map(|pair| pair));
    cached.count()?;
    book.show(67, &cached);
    book.show(68, &cached.map(|pair| pair));
    let part = sc.parallelize((1..=1000u32).collect(), 4).map(|v| v + 1).cache()?;
    part.take(1)?;
    part.count()?;
    book.show(70, &part.filter(|v| *v > 2));
    part.unpersist();
    book.show(71, &part.filter(|v| *v > 2));
    let pairs = sc.parallelize((1..=100u32).collect(), 2).map(|v| (v % 3, v)).set_name("pairs");
    pairs.persist(StorageLevel::MEMORY_AND_DISK)?;
    let sums = pairs.reduce_by_key(|a, b| a + b).set_name("sums").persist(StorageLevel::DISK_ONLY)?;
    sums.count()?;
    book.show(72, &sums.map_values(|v| v + 1));
    Ok(())
}

fn checkpoints(sc: &SparkContext, book: &mut Notebook, ones: &Rdd<(String, u32)>) -> Result<()> {
    sc.set_checkpoint_dir("checkpoints");
    let marked = ones.reduce_by_key(|a, b| a + b).map_values(|n| n + 1);
    marked.checkpoint()?;
    book.show(73, &marked);
    book.show(74, &marked.map(|pair| pair));
    marked.count()?;
    book.show(75, &marked);
    let cached = ones.reduce_by_key(|a, b| a + b).cache()?;
    cached.checkpoint()?;
    cached.count()?;
    book.show(77, &cached);
    let local = ones.reduce_by_key(|a, b| a + b).map(|pair| pair).local_checkpoint();
    book.show(78, &local);
    local.count()?;
    book.show(79, &local);
    Ok(())
}
