//! The process dies, or the power, at every operation of the file system.

use super::*;
use crate::object_store::{LocalObjectStore, PowerLoss, SimulatedDisk};
use crate::rng::Seed;

fn store_on(disk: &SimulatedDisk) -> Arc<dyn ObjectStore> {
    Arc::new(LocalObjectStore::with_ops("/store", Arc::new(disk.clone())))
}

/// What survived of the life of a log.
#[derive(Default)]
struct Life {
    acknowledged: Vec<u64>,
    /// The last number that was tried.
    tried: u64,
    /// Numbers up to here were cleaned, or may have been.
    cleaned: u64,
}

/// Appends numbers, alone and in groups, over several segments, and cleans all but the last two. Ends at the
/// first refusal.
fn live(store: &Arc<dyn ObjectStore>, life: &mut Life) -> Result<(), WriteAheadError> {
    let contents = read_all(&**store, LOG)?;
    let mut segments = contents.segments.clone();
    let start = if segments.is_empty() { LogStart::New } else { LogStart::After { next: contents.next } };
    // As for a process that dies: what fails once fails for ever.
    let settings = LogSettings { max_failures: 1, ..LogSettings::default() };
    let mut log = WriteAheadLog::new(Arc::clone(store), LOG, 1, start, settings);
    let mut last_of: Vec<u64> = vec![life.tried; segments.len()];
    for group in [1usize, 3, 1, 2] {
        let numbers: Vec<u64> = (1..=group as u64).map(|n| life.tried + n).collect();
        life.tried += group as u64;
        let texts: Vec<String> =
            numbers.iter().map(|n| format!("number {n} {}", "x".repeat(*n as usize * 37))).collect();
        let records: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
        log.append(at(0), &records)?;
        life.acknowledged.extend(numbers);
        segments.extend(log.current());
        last_of.push(life.tried);
        log.roll();
        if segments.len() > 2 {
            let gone = segments.len() - 2;
            life.cleaned = last_of[gone - 1];
            delete_segments(&**store, LOG, &segments[..gone])?;
            segments.drain(..gone);
            last_of.drain(..gone);
        }
    }
    Ok(())
}

fn numbers(contents: &Contents) -> Vec<u64> {
    let number = |text: String| text.split(' ').nth(1).and_then(|n| n.parse().ok()).expect("a number of this test");
    texts(contents).into_iter().map(number).collect()
}

/// Everything acknowledged and not cleaned is there, in order, and nothing else but what was tried.
fn hold(store: &Arc<dyn ObjectStore>, life: &Life, what: &str) -> Vec<Damage> {
    let contents = read_all(&**store, LOG).expect("the log can be read");
    let found = numbers(&contents);
    assert!(found.windows(2).all(|pair| pair[0] < pair[1]), "{what}: each once, in order: {found:?}");
    assert!(found.iter().all(|n| *n <= life.tried), "{what}: {found:?}");
    let needed = life.acknowledged.iter().filter(|n| **n > life.cleaned);
    let lost: Vec<&u64> = needed.filter(|n| !found.contains(n)).collect();
    assert!(lost.is_empty(), "{what}: acknowledged and lost: {lost:?} of {found:?}");
    contents.damage
}

fn power_losses() -> impl Iterator<Item = PowerLoss> {
    let whole = [PowerLoss::Lost, PowerLoss::Kept, PowerLoss::Zeros];
    whole.into_iter().chain((0..20).map(|seed| PowerLoss::Sectors(Seed(seed))))
}

#[test]
fn nothing_acknowledged_is_lost_wherever_the_process_dies() {
    // Without it a crash between two operations would lose a block whose source was told that it arrived.
    let mut points = 0;
    for killed_at in 0.. {
        let disk = SimulatedDisk::new();
        let store = store_on(&disk);
        let mut life = Life::default();
        disk.fail(killed_at..u64::MAX);
        let done = live(&store, &mut life).is_ok();
        disk.restart();
        let damage = hold(&store_on(&disk), &life, &format!("killed at {killed_at}"));
        assert!(damage.iter().all(Damage::is_ordinary), "killed at {killed_at}: {damage:?}");
        // The next life dies as well, and the one after it goes on.
        for again in 0..12 {
            disk.fail(disk.operations() + again..u64::MAX);
            drop(live(&store_on(&disk), &mut life));
            disk.restart();
            hold(&store_on(&disk), &life, &format!("killed at {killed_at}, then at {again}"));
        }
        live(&store_on(&disk), &mut life).unwrap();
        hold(&store_on(&disk), &life, &format!("killed at {killed_at}, at the end"));
        if done {
            break;
        }
        points += 1;
    }
    assert!(points > 20, "{points} operations were reached");
}

#[test]
fn nothing_acknowledged_is_lost_wherever_the_power_is() {
    // Without it a failure of the machine would lose what Spark's hflush loses (D-27).
    for how in power_losses() {
        for killed_at in 0.. {
            let disk = SimulatedDisk::new();
            let store = store_on(&disk);
            let mut life = Life::default();
            disk.fail(killed_at..u64::MAX);
            let done = live(&store, &mut life).is_ok();
            disk.lose_power(how);
            hold(&store_on(&disk), &life, &format!("{how:?} at {killed_at}"));
            live(&store_on(&disk), &mut life).unwrap();
            disk.lose_power(PowerLoss::Lost);
            hold(&store_on(&disk), &life, &format!("{how:?} at {killed_at}, then all of it"));
            if done {
                break;
            }
        }
    }
}

#[test]
fn a_write_torn_at_every_byte_leaves_what_was_acknowledged() {
    // Without it the length of what a crash leaves would decide whether a driver starts.
    for kept in 0..900 {
        let disk = SimulatedDisk::new();
        let store = store_on(&disk);
        let mut log = log_on(&store, LogStart::New);
        write(&mut log, &["number 1 "]);
        // The append goes through, its sync does not.
        disk.fail(disk.operations() + 1..u64::MAX);
        let large = format!("number 2 {}", "x".repeat(800));
        assert!(log.append(at(0), &[large.as_bytes(), b"number 3 "]).is_err());
        disk.lose_power(PowerLoss::TornAt(kept));
        let life = Life { acknowledged: vec![1], tried: 3, cleaned: 0 };
        let damage = hold(&store_on(&disk), &life, &format!("{kept} bytes"));
        assert!(damage.iter().all(Damage::is_ordinary), "{kept} bytes: {damage:?}");
    }
}

#[test]
fn a_sync_that_lied_is_noticed_by_the_next_segment() {
    // Without it a disk that loses what it said it had would lose blocks without a word.
    let disk = SimulatedDisk::new();
    let store = store_on(&disk);
    let mut log = log_on(&store, LogStart::New);
    write(&mut log, &["one", "two"]);
    // The second segment is there and synced before the first one is lied about.
    let mut next = log_on(&store, LogStart::After { next: 5 });
    write(&mut next, &["five"]);
    disk.lie();
    write(&mut log, &["three", "four"]);
    disk.lose_power(PowerLoss::Lost);
    let contents = read_all(&*store_on(&disk), LOG).unwrap();
    assert_eq!(texts(&contents), ["one", "two", "five"]);
    let told: Vec<String> = contents.damage.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["2 records before app/wal/log-0000000002 are missing"]);
}
