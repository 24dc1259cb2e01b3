//! An SQLite file as a sink: a batch and the word that it is there are one transaction.
//!
//! ```sql
//! CREATE TABLE output(batch_time_ms INTEGER, key TEXT, value TEXT, PRIMARY KEY(batch_time_ms, key));
//! CREATE TABLE progress(epoch INTEGER, batch_time_ms INTEGER PRIMARY KEY);
//! ```
//!
//! A batch that is there already stays as it is when a driver of a newer epoch runs it again: what was shown is not
//! taken back. The same epoch writes it twice only when runs without a checkpoint directory follow each other on one
//! file; then the last one stands.

use faultline_engine::event::SinkOutcome;
use faultline_engine::sinks::{BatchOutput, Committed, OutputPart, OutputSink, Row, SinkError, Staged, StagedContent};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use std::fmt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long a commit waits for others who read or write the file.
const PATIENCE: Duration = Duration::from_secs(10);

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS output(
        batch_time_ms INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY(batch_time_ms, key));
    CREATE TABLE IF NOT EXISTS progress(epoch INTEGER NOT NULL, batch_time_ms INTEGER NOT NULL PRIMARY KEY);
    CREATE INDEX IF NOT EXISTS progress_by_epoch ON progress(epoch);";

/// A file that receives batches.
pub struct SqliteSink {
    path: PathBuf,
    /// Opened with the first commit.
    connection: Mutex<Option<Connection>>,
}

impl fmt::Debug for SqliteSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteSink").field("path", &self.path).finish_non_exhaustive()
    }
}

impl SqliteSink {
    /// The sink in the file `path`, which is made with the first batch; its directory must be there.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), connection: Mutex::default() }
    }

    fn open(&self) -> rusqlite::Result<Connection> {
        let connection = Connection::open(&self.path)?;
        connection.busy_timeout(PATIENCE)?;
        // A committed batch outlives the machine, not only the process: the directory is synced too, when the journal
        // that could undo the commit is gone from it.
        connection.pragma_update(None, "synchronous", "EXTRA")?;
        connection.execute_batch(TABLES)?;
        Ok(connection)
    }

    fn failed(&self, error: &rusqlite::Error) -> SinkError {
        SinkError::Io(format!("{error}; give a file that is this sink's own ({})", self.path.display()))
    }
}

/// What a transaction found before it wrote.
enum Found {
    Newer { theirs: u64 },
    Committed(Committed),
}

fn write(transaction: &Transaction<'_>, output: &BatchOutput, rows: &[Row]) -> rusqlite::Result<Found> {
    // Times and epochs fit for millions of years.
    let time = i64::try_from(output.time.as_millis()).unwrap_or(i64::MAX);
    let epoch = i64::try_from(output.epoch).unwrap_or(i64::MAX);
    let newest: Option<i64> = transaction.query_row("SELECT max(epoch) FROM progress", [], |row| row.get(0))?;
    if let Some(theirs) = newest.filter(|theirs| *theirs > epoch) {
        return Ok(Found::Newer { theirs: u64::try_from(theirs).unwrap_or_default() });
    }
    let before: Option<i64> = transaction
        .query_row("SELECT epoch FROM progress WHERE batch_time_ms = ?1", [time], |row| row.get(0))
        .optional()?;
    let outcome = match before {
        Some(before) if before < epoch => {
            let written_by = u64::try_from(before).unwrap_or_default();
            return Ok(Found::Committed(Committed { outcome: SinkOutcome::AlreadyThere, same_key: 0, written_by }));
        }
        Some(_) => SinkOutcome::Replaced,
        None => SinkOutcome::Written,
    };
    transaction.execute("DELETE FROM output WHERE batch_time_ms = ?1", [time])?;
    let mut insert =
        transaction.prepare_cached("INSERT OR REPLACE INTO output(batch_time_ms, key, value) VALUES (?1, ?2, ?3)")?;
    for Row { key, value } in rows {
        insert.execute(params![time, key, value])?;
    }
    let there: i64 =
        transaction.query_row("SELECT count(*) FROM output WHERE batch_time_ms = ?1", [time], |row| row.get(0))?;
    transaction.execute("INSERT OR REPLACE INTO progress(epoch, batch_time_ms) VALUES (?1, ?2)", [epoch, time])?;
    let same_key = (rows.len() as u64).saturating_sub(u64::try_from(there).unwrap_or_default());
    Ok(Found::Committed(Committed { outcome, same_key, written_by: output.epoch }))
}

impl OutputSink for SqliteSink {
    fn name(&self) -> String {
        format!("sqlite:{}", self.path.display())
    }

    fn stage(&self, _part: &OutputPart, rows: Vec<Row>) -> Result<Staged, SinkError> {
        Ok(Staged { records: rows.len() as u64, content: StagedContent::Rows(rows) })
    }

    fn commit(&self, output: &BatchOutput, staged: Vec<Staged>) -> Result<Committed, SinkError> {
        let mut rows = Vec::new();
        for Staged { content, .. } in staged {
            let StagedContent::Rows(staged) = content else {
                return Err(SinkError::Foreign("what was staged is not of this sink".to_owned()));
            };
            rows.extend(staged);
        }
        // A commit that panicked has rolled back.
        let mut opened = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let mut connection = match opened.take() {
            Some(connection) => connection,
            None => self.open().map_err(|error| self.failed(&error))?,
        };
        let committed = (|| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let found = write(&transaction, output, &rows)?;
            match found {
                Found::Committed(committed) if committed.outcome != SinkOutcome::AlreadyThere => {
                    transaction.commit()?
                }
                Found::Committed(_) | Found::Newer { .. } => transaction.rollback()?,
            }
            Ok(found)
        })();
        *opened = Some(connection);
        drop(opened);
        match committed.map_err(|error: rusqlite::Error| self.failed(&error))? {
            Found::Committed(committed) => Ok(committed),
            Found::Newer { theirs } => Err(SinkError::Fenced { ours: output.epoch, theirs }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use faultline_engine::ids::{BatchId, OutputOpId, PartitionId, TaskId, Timestamp};

    type Output = Vec<(i64, String, String)>;

    fn output(batch: u32, epoch: u64) -> BatchOutput {
        let time = Timestamp(u64::from(batch) * 1_000_000_000);
        BatchOutput { batch: BatchId(batch), time, output_op: OutputOpId(0), epoch }
    }

    fn commit(sink: &SqliteSink, output: BatchOutput, partitions: &[&[(&str, &str)]]) -> Result<Committed, SinkError> {
        let stage = |(n, rows): (usize, &&[(&str, &str)])| {
            let part = OutputPart { output, partition: PartitionId(n as u32), task: TaskId(7) };
            let row = |(key, value): &(&str, &str)| Row { key: (*key).to_owned(), value: (*value).to_owned() };
            sink.stage(&part, rows.iter().map(row).collect())
        };
        let staged = partitions.iter().enumerate().map(stage).collect::<Result<Vec<Staged>, SinkError>>()?;
        sink.commit(&output, staged)
    }

    /// What somebody else reads in the file.
    fn read(sink: &SqliteSink) -> (Output, Vec<(i64, i64)>) {
        let other = Connection::open(&sink.path).expect("the file is there");
        let mut rows = other.prepare("SELECT * FROM output ORDER BY 1, 2").expect("the table is there");
        let output = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).expect("it is read");
        let output = output.collect::<rusqlite::Result<Output>>().expect("each row has its types");
        let mut rows = other.prepare("SELECT epoch, batch_time_ms FROM progress ORDER BY 2").expect("the table");
        let progress = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("it is read");
        (output, progress.collect::<rusqlite::Result<Vec<_>>>().expect("each row has its types"))
    }

    fn row(time: i64, key: &str, value: &str) -> (i64, String, String) {
        (time, key.to_owned(), value.to_owned())
    }

    fn sink() -> (tempfile::TempDir, SqliteSink) {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let sink = SqliteSink::new(directory.path().join("out.db"));
        (directory, sink)
    }

    const fn done(outcome: SinkOutcome, written_by: u64) -> Committed {
        Committed { outcome, same_key: 0, written_by }
    }

    /// Without it a batch that a restarted driver runs again would be doubled, or taken back when its input is lost.
    #[test]
    fn a_batch_that_a_newer_driver_runs_again_is_there_once() {
        let (_directory, sink) = sink();
        assert_eq!(commit(&sink, output(1, 1), &[&[("1", "a")], &[("2", "b")]]), Ok(done(SinkOutcome::Written, 1)));
        assert_eq!(commit(&sink, output(2, 1), &[&[]]), Ok(done(SinkOutcome::Written, 1)), "no rows are a batch too");
        let again = SqliteSink::new(&sink.path);
        assert_eq!(commit(&again, output(1, 2), &[&[]]), Ok(done(SinkOutcome::AlreadyThere, 1)));
        assert_eq!(commit(&again, output(2, 2), &[&[("9", "z")]]), Ok(done(SinkOutcome::AlreadyThere, 1)));
        assert_eq!(commit(&again, output(3, 2), &[&[("1", "c")]]), Ok(done(SinkOutcome::Written, 2)));
        let rows = vec![row(1000, "1", "a"), row(1000, "2", "b"), row(3000, "1", "c")];
        assert_eq!(read(&sink), (rows, vec![(1, 1000), (1, 2000), (2, 3000)]));
    }

    /// Without it a driver that was replaced would write beside its successor.
    #[test]
    fn an_older_driver_is_refused_with_the_way_out() {
        let (_directory, sink) = sink();
        assert_eq!(commit(&sink, output(1, 3), &[&[("1", "a")]]), Ok(done(SinkOutcome::Written, 3)));
        let refused = commit(&sink, output(2, 2), &[&[("2", "b")]]).expect_err("it is older");
        assert_eq!(refused, SinkError::Fenced { ours: 2, theirs: 3 });
        assert!(refused.to_string().contains("another driver has taken over"), "{refused}");
        assert_eq!(read(&sink).0, [row(1000, "1", "a")], "nothing of it is there");
    }

    /// Without it the second of two runs without checkpoints would leave the rows of the first.
    #[test]
    fn the_same_epoch_replaces_its_own_rows() {
        let (_directory, sink) = sink();
        assert_eq!(commit(&sink, output(1, 0), &[&[("1", "a"), ("2", "b")]]), Ok(done(SinkOutcome::Written, 0)));
        assert_eq!(commit(&sink, output(1, 0), &[&[("2", "c")]]), Ok(done(SinkOutcome::Replaced, 0)));
        assert_eq!(read(&sink), (vec![row(1000, "2", "c")], vec![(0, 1000)]));
    }

    /// Without it a row would be missing, and nobody would say so.
    #[test]
    fn rows_with_the_same_key_are_counted() {
        let (_directory, sink) = sink();
        let rows: &[(&str, &str)] = &[("1", "a"), ("2", "b"), ("1", "c")];
        let committed = Committed { outcome: SinkOutcome::Written, same_key: 1, written_by: 0 };
        assert_eq!(commit(&sink, output(1, 0), &[rows]), Ok(committed));
        assert_eq!(read(&sink).0, [row(1000, "1", "c"), row(1000, "2", "b")], "the last stands");
    }

    /// Without it the table of somebody else would be filled with our rows, or the error would not say where.
    #[test]
    fn a_foreign_file_is_left_alone() {
        let (_directory, sink) = sink();
        let other = Connection::open(&sink.path).expect("it can be made");
        other.execute_batch("CREATE TABLE output(id INTEGER)").expect("a table of somebody else");
        let refused = commit(&sink, output(1, 0), &[&[("1", "a")]]).expect_err("it has no such column");
        assert!(refused.to_string().contains("give a file that is this sink's own"), "{refused}");
        let count = other.query_row("SELECT count(*) FROM output", [], |row| row.get::<_, i64>(0));
        assert_eq!(count, Ok(0));
    }
}
