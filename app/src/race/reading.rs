//! How to read a race: sentences and notes, each of which holds only when the numbers say so.

use super::{Lane, Policy, Race, Struck, Words, fate_reading, signed};

/// What the table teaches, in at most five sentences without full stops.
///
/// | Sentence | holds when, in the struck part |
/// |---|---|
/// | Nothing adds less … | keeping nothing computes again without the fault, and the fault adds less to it than to `cache` |
/// | Cache lost … | the fault took stored partitions from `cache` and added work, which reached an earlier batch |
/// | Cache ×2 had …, saved … | the fault added nothing, or less, to `cache2` than to `cache`, and `cache2` held more bytes |
/// | Cache ×2 had both copies … | the driver was lost, and the fault added as much to `cache2` as to `cache` |
/// | With the checkpoint … | `cache+checkpoint` read a checkpoint and reached less far back than `cache`; without batches, the fault added less to it |
/// | The checkpoint costs … | that lane read a checkpoint, and wrote bytes in the run without the fault |
///
/// `bytes` writes sizes as the table beside it does.
///
/// Lanes of a received input are read by themselves.
pub fn reading(race: &Race, bytes: fn(u64) -> String) -> Vec<String> {
    if race.is_of_received() {
        return fate_reading(race);
    }
    let words = Words::of(&race.faults, race.streaming);
    [
        nothing_pays(race, &words),
        cache_walked(race),
        second_copy(race, &words, bytes),
        cut(race, &words),
        files(race, bytes),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn nothing_pays(race: &Race, words: &Words) -> Option<String> {
    let (none, cache) = (struck(race, Policy::None)?, struck(race, Policy::Cache)?);
    if of_driver(none) {
        return None;
    }
    let pays = none.struck.without_fault.computed_again;
    let always = if race.streaming {
        format!("in that batch without the {} too", words.fault)
    } else {
        format!("without the {}", words.fault)
    };
    (pays > 0 && added(none) < added(cache)).then(|| {
        let pays = count(pays, "partition");
        format!("Nothing adds less than cache, because it computes {pays} again {always}: look at both columns")
    })
}

fn cache_walked(race: &Race) -> Option<String> {
    let cache = struck(race, Policy::Cache)?;
    let way = cache.way_back;
    let earliest = way.earliest?;
    if way.lost_partitions == 0 || added(cache) <= 0 {
        return None;
    }
    let mut lost = count(way.lost_partitions.into(), "stored partition");
    if way.lost_map_outputs > 0 {
        lost = format!("{lost} and {}", count(way.lost_map_outputs.into(), "map output"));
    }
    let with = if of_driver(cache) { " with the driver" } else { "" };
    Some(format!("Cache lost {lost}{with}; the way back reached batch {earliest}"))
}

fn second_copy(race: &Race, words: &Words, bytes: fn(u64) -> String) -> Option<String> {
    let (cache, two) = (struck(race, Policy::Cache)?, struck(race, Policy::Cache2)?);
    let (once, twice) = (cache.upkeep.cached_bytes_peak, two.upkeep.cached_bytes_peak);
    let price = format!("{} in memory in place of {}", bytes(twice), bytes(once));
    let saved = added(cache) - added(two);
    if of_driver(cache) && saved == 0 && added(cache) > 0 && twice > once {
        return Some(format!("Cache ×2 had both copies on executors that died with the driver, and holds {price}"));
    }
    if twice <= once || saved <= 0 || added(two) < 0 {
        return None;
    }
    Some(if added(two) == 0 {
        format!("Cache ×2 had what was lost on another executor, and holds {price}")
    } else {
        format!(
            "Cache ×2 saved {saved} of the {} that the {} added to cache, and holds {price}",
            added(cache),
            words.fault
        )
    })
}

fn cut(race: &Race, words: &Words) -> Option<String> {
    let (cache, both) = (struck(race, Policy::Cache)?, struck(race, Policy::CacheAndCheckpoint)?);
    let read = both.struck.with_fault.checkpoint_partitions_read;
    if read == 0 {
        return None;
    }
    if let (Some(far), Some(near)) = (cache.way_back.earliest, both.way_back.earliest) {
        return (near > far)
            .then(|| format!("With the checkpoint the way back ended at batch {near}, not at batch {far}"));
    }
    let (without, with) = (signed(added(cache)), signed(added(both)));
    let (read, fault) = (count(read, "partition"), words.fault);
    (added(both) < added(cache)).then(|| {
        format!(
            "With the checkpoint {read} came back from the store: the {fault} adds {with}, to cache alone {without}"
        )
    })
}

fn files(race: &Race, bytes: fn(u64) -> String) -> Option<String> {
    let both = struck(race, Policy::CacheAndCheckpoint)?;
    let written = both.upkeep.checkpoint_bytes_written;
    let read = both.struck.with_fault.checkpoint_partitions_read;
    (read > 0 && written > 0)
        .then(|| format!("The checkpoint costs {} of files, which are written also when nothing fails", bytes(written)))
}

/// What is special about a lane, if its numbers say so: `fastest here` when the struck part took less time
/// than in every other lane, `bounded by the checkpoint` when it read one and the fault added less than
/// to the same policy without checkpoints.
pub fn lane_note(race: &Race, lane: &Lane) -> Option<String> {
    lane.struck_at?;
    if lane.policy.is_of_received() {
        return None;
    }
    let notes = [fastest(race, lane), bounded(race, lane)];
    let notes: Vec<&str> = notes.into_iter().flatten().collect();
    (!notes.is_empty()).then(|| notes.join(" · "))
}

fn fastest(race: &Race, lane: &Lane) -> Option<&'static str> {
    let time = |lane: &Lane| lane.struck.with_fault.time_ms;
    let others = || race.lanes.iter().filter(|other| other.struck_at.is_some() && other.policy != lane.policy);
    (others().count() > 0 && others().all(|other| time(other) > time(lane))).then_some("fastest here")
}

fn bounded(race: &Race, lane: &Lane) -> Option<&'static str> {
    let without = match lane.policy {
        Policy::Checkpoint => Policy::None,
        Policy::CacheAndCheckpoint => Policy::Cache,
        Policy::None | Policy::Cache | Policy::Cache2 | Policy::LogOn | Policy::LogOff => return None,
    };
    let without = struck(race, without)?;
    let read = lane.struck.with_fault.checkpoint_partitions_read > 0;
    (read && added(lane) < added(without)).then_some("bounded by the checkpoint")
}

fn of_driver(lane: &Lane) -> bool {
    lane.struck_at == Some(Struck::DriverLoss)
}

fn struck(race: &Race, policy: Policy) -> Option<&Lane> {
    race.lane(policy).filter(|lane| lane.struck_at.is_some())
}

fn added(lane: &Lane) -> i64 {
    lane.added()
}

fn count(n: u64, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::race::human_bytes;
    use crate::race::samples::{Numbers, WORD_COUNT, race_of};

    /// A teacher would read aloud what the numbers beside it contradict.
    #[test]
    fn every_sentence_follows_from_the_numbers() {
        use Policy::*;
        let cases: [(&[Numbers], &[&str]); 4] = [
            (
                &WORD_COUNT,
                &[
                    "Nothing adds less than cache, because it computes 36 partitions again in that batch without the kill too: look at both columns",
                    "Cache lost 12 stored partitions and 24 map outputs; the way back reached batch 1",
                    "Cache ×2 had what was lost on another executor, and holds 2.5 MiB in memory in place of 1.2 MiB",
                    "With the checkpoint the way back ended at batch 5, not at batch 1",
                    "The checkpoint costs 390.6 KiB of files, which are written also when nothing fails",
                ],
            ),
            // Nothing had to be repaired anywhere.
            (&[(None, 36, 36, 0), (Cache, 0, 0, 0), (Cache2, 0, 0, 0), (CacheAndCheckpoint, 0, 0, 0)], &[]),
            // Keeping nothing is no cheaper, both copies were lost, and the checkpoint was not reached.
            (
                &[(None, 36, 96, 0), (Cache, 0, 48, 0), (Cache2, 0, 8, 0), (CacheAndCheckpoint, 0, 8, 0)],
                &[
                    "Cache lost 12 stored partitions and 24 map outputs; the way back reached batch 1",
                    "Cache ×2 saved 40 of the 48 that the kill added to cache, and holds 2.5 MiB in memory in place of 1.2 MiB",
                ],
            ),
            // One lane has nobody to be compared with.
            (&[(None, 36, 72, 0)], &[]),
        ];
        for (lanes, expected) in cases {
            assert_eq!(reading(&race_of(lanes), human_bytes), expected, "{lanes:?}");
        }
    }

    /// Programs without batches have no batch that the way back could end at.
    #[test]
    fn without_batches_the_sentences_count_work() {
        let mut race = race_of(&[
            (Policy::None, 84, 116, 0),
            (Policy::Cache, 60, 88, 0),
            (Policy::Cache2, 60, 82, 0),
            (Policy::CacheAndCheckpoint, 60, 82, 2),
        ]);
        race.streaming = false;
        race.lanes.iter_mut().for_each(|lane| lane.way_back.earliest = None);
        let expected = [
            "Cache ×2 saved 6 of the 28 that the kill added to cache, and holds 2.5 MiB in memory in place of 1.2 MiB",
            "With the checkpoint 2 partitions came back from the store: the kill adds +22, to cache alone +28",
            "The checkpoint costs 390.6 KiB of files, which are written also when nothing fails",
        ];
        assert_eq!(reading(&race, human_bytes), expected);
    }

    /// A lane would be praised for what another lane does as well, or does not need.
    #[test]
    fn notes_follow_from_the_numbers() {
        let notes = |lanes: &[Numbers]| -> Vec<Option<String>> {
            let race = race_of(lanes);
            race.lanes.iter().map(|lane| lane_note(&race, lane)).collect()
        };
        let bounded = || Some("bounded by the checkpoint".to_owned());
        assert_eq!(notes(&WORD_COUNT), [None, None, Some("fastest here".to_owned()), bounded(), bounded()]);
        // Two lanes are equally fast; the checkpoint was read but saved nothing.
        let equal = [(Policy::Cache, 0, 8, 0), (Policy::Cache2, 0, 8, 0), (Policy::CacheAndCheckpoint, 0, 8, 2)];
        assert_eq!(notes(&equal), [None, None, None]);
        assert_eq!(notes(&equal[..1]), [None]);
    }

    /// After the loss of a driver a second copy would be said to have saved something.
    #[test]
    fn after_the_loss_of_a_driver_no_copy_is_praised() {
        use Policy::*;
        let mut race =
            race_of(&[(None, 36, 96, 0), (Cache, 0, 48, 0), (Cache2, 0, 48, 0), (CacheAndCheckpoint, 0, 8, 2)]);
        race.lanes.iter_mut().for_each(|lane| lane.struck_at = Some(Struck::DriverLoss));
        race.faults = vec!["kill:driver@batch=7".into()];
        let expected = [
            "Cache lost 12 stored partitions and 24 map outputs with the driver; the way back reached batch 1",
            "Cache ×2 had both copies on executors that died with the driver, and holds 2.5 MiB in memory in place of \
             1.2 MiB",
            "With the checkpoint the way back ended at batch 5, not at batch 1",
            "The checkpoint costs 390.6 KiB of files, which are written also when nothing fails",
        ];
        assert_eq!(reading(&race, human_bytes), expected);
    }
}
