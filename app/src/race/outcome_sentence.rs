//! One sentence about a race. Every clause is a comparison of the numbers beside it.

use super::{Lane, Policy, Race, Struck, fate_sentence};

/// The outcome in one sentence.
///
/// | Clause | holds when, in the struck part |
/// |---|---|
/// | a second copy recovered at once | the fault added nothing to `cache2`, and something to `cache` |
/// | a second copy died with the driver too | the driver was lost, and the fault added as much to `cache2` as to `cache` |
/// | the checkpoint bounded the walk | `cache+checkpoint` read a checkpoint and the fault added less to it than to `cache` |
/// | … had the longest way back | the fault added more to this lane than to every other |
///
/// When none holds, the sentence is the range of what the fault added. Lanes in which the fault did not
/// strike are left out. Lanes of a received input have a sentence of their own.
pub fn outcome_sentence(race: &Race) -> String {
    if let Some(sentence) = fate_sentence(race) {
        return sentence;
    }
    let clauses: Vec<String> =
        [second_copy(race), no_copy(race), bounded_walk(race), longest_way(race)].into_iter().flatten().collect();
    if clauses.is_empty() { range(race) } else { sentence(&clauses.join("; ")) }
}

fn second_copy(race: &Race) -> Option<String> {
    let (cache, cache2) = (struck(race, Policy::Cache)?, struck(race, Policy::Cache2)?);
    (added(cache2) == 0 && added(cache) > 0).then(|| "a second copy recovered at once".to_owned())
}

fn no_copy(race: &Race) -> Option<String> {
    let (cache, cache2) = (struck(race, Policy::Cache)?, struck(race, Policy::Cache2)?);
    let driver = cache.struck_at == Some(Struck::DriverLoss);
    (driver && added(cache2) == added(cache) && added(cache) > 0)
        .then(|| "a second copy died with the driver too".to_owned())
}

fn bounded_walk(race: &Race) -> Option<String> {
    let (cache, both) = (struck(race, Policy::Cache)?, struck(race, Policy::CacheAndCheckpoint)?);
    let read = both.struck.with_fault.checkpoint_partitions_read > 0;
    (read && added(both) < added(cache)).then(|| "the checkpoint bounded the walk".to_owned())
}

fn longest_way(race: &Race) -> Option<String> {
    let longest = all_struck(race).max_by_key(|lane| added(lane))?;
    let mut others = all_struck(race).filter(|lane| lane.policy != longest.policy).peekable();
    let alone = others.peek().is_some() && others.all(|lane| added(lane) < added(longest));
    (alone && added(longest) > 0).then(|| format!("{} had the longest way back", subject(longest.policy)))
}

fn range(race: &Race) -> String {
    let added = || all_struck(race).map(added);
    match (added().min(), added().max()) {
        (Some(0), Some(0)) => "Nothing had to be computed again because of the fault.".to_owned(),
        (Some(least), Some(most)) if least == most => {
            let lanes =
                if all_struck(race).count() < race.lanes.len() { "every lane that it struck" } else { "every lane" };
            format!("The fault changed the partitions {} by {} in {lanes}.", counted(race), signed(most))
        }
        (Some(least), Some(most)) => {
            format!(
                "The fault changed the partitions {} by between {} and {}.",
                counted(race),
                signed(least),
                signed(most)
            )
        }
        _ => String::new(),
    }
}

fn counted(race: &Race) -> &'static str {
    let driver = all_struck(race).any(|lane| lane.struck_at == Some(Struck::DriverLoss));
    if driver { "computed" } else { "computed again" }
}

/// A difference with its sign: `+6`, `0`, `-6`.
pub fn signed(difference: i64) -> String {
    if difference == 0 { "0".to_owned() } else { format!("{difference:+}") }
}

fn all_struck(race: &Race) -> impl Iterator<Item = &Lane> {
    race.lanes.iter().filter(|lane| lane.struck_at.is_some())
}

fn struck(race: &Race, policy: Policy) -> Option<&Lane> {
    race.lane(policy).filter(|lane| lane.struck_at.is_some())
}

fn added(lane: &Lane) -> i64 {
    lane.added()
}

const fn subject(policy: Policy) -> &'static str {
    match policy {
        Policy::None => "keeping nothing",
        Policy::Cache => "plain cache",
        Policy::Cache2 => "cache in two copies",
        Policy::Checkpoint => "checkpoint alone",
        Policy::CacheAndCheckpoint => "cache with checkpoint",
        Policy::LogOn => "the log",
        Policy::LogOff => "no log",
    }
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), chars.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::race::samples::{Numbers, race_of};

    fn outcome(lanes: &[Numbers]) -> String {
        outcome_sentence(&race_of(lanes))
    }

    /// The table would be crowned by a sentence that its numbers contradict.
    #[test]
    fn every_clause_follows_from_the_numbers() {
        use Policy::*;
        let all =
            "A second copy recovered at once; the checkpoint bounded the walk; plain cache had the longest way back.";
        let cases: [(&[Numbers], &str); 8] = [
            (&[(None, 72, 96, 0), (Cache, 0, 48, 0), (Cache2, 0, 0, 0), (CacheAndCheckpoint, 0, 8, 2)], all),
            // The second copy was lost too, and the checkpoint was not needed.
            (
                &[(Cache, 0, 48, 0), (Cache2, 0, 8, 0), (CacheAndCheckpoint, 0, 8, 0)],
                "Plain cache had the longest way back.",
            ),
            // Nothing pays in every batch, so much that its way back was also the longest.
            (&[(None, 10, 96, 0), (Cache, 0, 48, 0)], "Keeping nothing had the longest way back."),
            // Two lanes share the longest way: neither had it.
            (&[(None, 0, 48, 0), (Cache, 0, 48, 0), (Cache2, 0, 0, 0)], "A second copy recovered at once."),
            (&[(Cache, 3, 3, 0), (Cache2, 0, 0, 0)], "Nothing had to be computed again because of the fault."),
            (&[(Cache, 3, 9, 0)], "The fault changed the partitions computed again by +6 in every lane."),
            (
                &[(Cache, 9, 3, 0), (Cache2, 0, 0, 0)],
                "The fault changed the partitions computed again by between -6 and 0.",
            ),
            // A checkpoint that recovery read without need bounds nothing.
            (
                &[(Cache, 0, 4, 0), (CacheAndCheckpoint, 0, 4, 2)],
                "The fault changed the partitions computed again by +4 in every lane.",
            ),
        ];
        for (lanes, expected) in cases {
            assert_eq!(outcome(lanes), expected, "{lanes:?}");
        }
    }

    /// After the loss of a driver the sentence would praise copies that died with it, or count what nobody counted.
    #[test]
    fn after_the_loss_of_a_driver_everything_counts() {
        use Policy::*;
        let of_driver = |lanes: &[Numbers]| {
            let mut race = race_of(lanes);
            race.lanes.iter_mut().for_each(|lane| lane.struck_at = Some(Struck::DriverLoss));
            outcome_sentence(&race)
        };
        let died = "A second copy died with the driver too";
        let numbers = [(Cache, 0, 48, 0), (Cache2, 0, 48, 0), (CacheAndCheckpoint, 0, 8, 2)];
        assert_eq!(of_driver(&numbers), format!("{died}; the checkpoint bounded the walk."));
        let lone = of_driver(&[(CacheAndCheckpoint, 0, 8, 2)]);
        assert_eq!(lone, "The fault changed the partitions computed by +8 in every lane.");
    }
}
