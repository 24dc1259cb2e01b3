//! `log-sessions`: the hits of a web server's log as sessions per user. Sessions begin, grow and end,
//! so the state does too, and one user with half of all hits makes its partition heavy.

use super::{BuiltIn, ProgramInput, run_stream};
use crate::error::Result;
use crate::event::StorageLevel;
use crate::ids::Millis;
use crate::rdd::{Line, ReplayText, SparkContext};
use crate::rng::{Rng, Seed};
use crate::streaming::StreamingContext;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::fmt;

/// The program.
pub(super) const PROGRAM: BuiltIn = BuiltIn {
    name: "log-sessions",
    summary: "follows the users of a web server until 3 s pass without a hit; open sessions are kept in memory and checkpointed every 5 s",
    about: "state that grows, ends, and is uneven",
    kept_operator: "updateStateByKey",
    level: StorageLevel::MEMORY_ONLY_SER,
    streaming: true,
    must_checkpoint: true,
    sample: Some(access_log),
    run,
};

/// Batches without a hit that end a session.
const IDLE: u32 = 3;
/// Ended sessions printed after each batch.
const ROWS: usize = 3;

/// What a user asked for: seconds of the day, and the page.
type Hit = (u32, Line);

/// What is known of a user who is or just was here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Session {
    /// Second of the day of the first hit.
    first: u32,
    /// Second of the day of the last hit.
    last: u32,
    /// Pages in the order in which they were asked for.
    pages: Vec<Line>,
    /// Batches without a hit since then.
    idle: u32,
}

impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} hits, {} s", self.pages.len(), self.last - self.first)
    }
}

impl Session {
    const fn has_ended(&self) -> bool {
        self.idle >= IDLE
    }
}

/// `10:15:32 mabel /cart`: who, when, and what.
fn hit(line: &Line) -> Option<(Line, Hit)> {
    let [time, user, page] = line.as_str().split_whitespace().collect::<Vec<_>>()[..] else { return None };
    let mut seconds = 0;
    let mut parts = time.split(':');
    for _ in 0..3 {
        seconds = seconds * 60 + parts.next()?.parse::<u32>().ok()?;
    }
    Some((Line::from(user.to_owned()), (seconds, Line::from(page.to_owned()))))
}

/// The session after a batch: a hit begins or goes on with it, three batches without one end it, and
/// the batch after that forgets it.
fn next(hits: Vec<Hit>, old: Option<Session>) -> Option<Session> {
    let open = old.filter(|session| !session.has_ended());
    let (Some(&(first, _)), Some(&(last, _))) = (hits.first(), hits.last()) else {
        return open.map(|session| Session { idle: session.idle + 1, ..session });
    };
    let mut session = open.unwrap_or(Session { first, last, pages: Vec::new(), idle: 0 });
    session.pages.extend(hits.into_iter().map(|(_, page)| page));
    Some(Session { last, idle: 0, ..session })
}

fn run(sc: &SparkContext, input: &ProgramInput) -> Result<()> {
    run_stream(sc, input, |ssc| build(ssc, input))
}

fn build(ssc: &StreamingContext, input: &ProgramInput) -> Result<()> {
    let sessions = input
        .lines(ssc)?
        .flat_map(|line: Line| hit(&line))
        .update_state_by_key(|_, hits, old| next(hits, old))
        .checkpoint(Millis(5000))?;
    sessions.for_each_rdd(|rdd, _| {
        let all = rdd.collect()?;
        rdd.context().emit(&all);
        let open = all.iter().filter(|(_, session)| !session.has_ended()).count();
        rdd.context().print(vec![format!("open: {open}")]);
        Ok(())
    });
    let ended = sessions.filter(|(_, session)| session.has_ended());
    if input.sink.is_some() {
        input.save(&ended.map(|(user, session)| (user, session.to_string())));
    }
    ended.for_each_rdd(|rdd, _| {
        let mut ended = rdd.collect()?;
        rdd.context().emit(&ended);
        ended.sort_by(|a, b| (Reverse(a.1.pages.len()), &a.0).cmp(&(Reverse(b.1.pages.len()), &b.0)));
        let row = |(user, session): &(Line, Session)| format!("({user}, {session})");
        let head = format!("ended: {}", ended.len());
        rdd.context().print(std::iter::once(head).chain(ended.iter().take(ROWS).map(row)).collect());
        Ok(())
    });
    Ok(())
}

/// Batches of the sample, and lines of each: as many as the window gives a batch.
const BATCHES: u32 = 60;
const LINES: u32 = 60;
/// Lines of a second of the log; a batch is ten seconds of it.
const LINES_A_SECOND: u32 = 6;
/// Second of the day of the first line.
const OPENS: u32 = 10 * 3600;
/// Of a crawler that comes back: batches from one visit to the next, and batches of a visit.
const CRAWLER: (u32, u32) = (12, 8);
const NAMES: [&str; 12] = ["ada", "ben", "cleo", "dora", "emil", "fay", "gus", "hana", "ivo", "jane", "kai", "lena"];
const PAGES: [&str; 6] = ["/", "/search", "/lamps", "/lamps/brass", "/cart", "/help"];

/// The log of a web shop: visitors come in waves and make a few hits each, and a crawler makes half of
/// all while it is here.
fn access_log(seed: u64) -> ReplayText {
    let mut rng = Seed(seed).fork("access log").rng();
    let mut visitors: Vec<(String, u64)> = Vec::new();
    let mut came = 0;
    let mut text = String::new();
    for line in 0..BATCHES * LINES {
        let (batch, second) = (line / LINES, OPENS + line / LINES_A_SECOND);
        let crawls = batch % CRAWLER.0 < CRAWLER.1 && rng.below(2) == 0;
        let user = if crawls { "crawler".to_owned() } else { visitor(&mut rng, &mut visitors, &mut came, batch) };
        let page = PAGES[rng.below(PAGES.len() as u64) as usize];
        let time = format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60);
        text.push_str(&format!("{time} {user} {page}\n"));
    }
    ReplayText::from_text("access log", &text)
}

/// Who makes the next hit: someone who is here, or, more often while a wave comes in, someone new.
fn visitor(rng: &mut Rng, visitors: &mut Vec<(String, u64)>, came: &mut u32, batch: u32) -> String {
    let chance = if batch % 10 < 5 { 35 } else { 10 };
    if visitors.is_empty() || rng.below(100) < chance {
        let name = NAMES[*came as usize % NAMES.len()];
        *came += 1;
        visitors.push((format!("{name}-{came}"), 2 + rng.below(9)));
    }
    let at = rng.below(visitors.len() as u64) as usize;
    let name = visitors[at].0.clone();
    visitors[at].1 -= 1;
    if visitors[at].1 == 0 {
        visitors.swap_remove(at);
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn session(first: u32, last: u32, pages: &[&str], idle: u32) -> Session {
        Session { first, last, pages: pages.iter().map(|p| Line::from((*p).to_owned())).collect(), idle }
    }

    fn hits(hits: &[(u32, &str)]) -> Vec<Hit> {
        hits.iter().map(|(at, page)| (*at, Line::from((*page).to_owned()))).collect()
    }

    /// Without it sessions would never end, lose their pages, or be counted twice.
    #[test]
    fn sessions_begin_go_on_end_and_are_forgotten() {
        let mut now = next(hits(&[(10, "/"), (12, "/cart")]), None);
        assert_eq!(now, Some(session(10, 12, &["/", "/cart"], 0)));
        now = next(hits(&[]), now);
        assert_eq!(now, Some(session(10, 12, &["/", "/cart"], 1)));
        now = next(hits(&[(30, "/help")]), now);
        assert_eq!(now, Some(session(10, 30, &["/", "/cart", "/help"], 0)));
        for idle in 1..=IDLE {
            now = next(hits(&[]), now);
            assert_eq!(now.as_ref().map(|s| (s.idle, s.has_ended())), Some((idle, idle == IDLE)));
        }
        assert_eq!(next(hits(&[]), now.clone()), None);
        assert_eq!(next(hits(&[(90, "/")]), now), Some(session(90, 90, &["/"], 0)));
    }

    /// Without it a line that is no hit would fail the task, or a hit would be left out.
    #[test]
    fn lines_are_hits_or_nothing() {
        let line = |text: &str| hit(&Line::from(text.to_owned()));
        let expected = (Line::from("mabel"), (36_932, Line::from("/cart")));
        assert_eq!(line("10:15:32 mabel /cart"), Some(expected));
        for text in ["", "10:15 mabel /cart", "noon mabel /cart", "10:15:32 mabel", "10:15:32 mabel GET /cart"] {
            assert_eq!(line(text), None, "{text:?}");
        }
    }

    /// Without it the demo could show state that only grows, or that is the same in all partitions.
    #[test]
    fn the_sample_is_uneven_and_comes_in_waves() {
        for seed in 0..20 {
            let lines = access_log(seed).first_lines((BATCHES * LINES) as usize);
            let batches: Vec<&[Line]> = lines.chunks(LINES as usize).collect();
            let mut state: BTreeMap<Line, Session> = BTreeMap::new();
            let mut open = Vec::new();
            for batch in &batches {
                let mut new: BTreeMap<Line, Vec<Hit>> = BTreeMap::new();
                batch.iter().filter_map(hit).for_each(|(user, at)| new.entry(user).or_default().push(at));
                assert_eq!(new.values().map(Vec::len).sum::<usize>(), LINES as usize, "seed {seed}: all are hits");
                let mut users: Vec<Line> = state.keys().chain(new.keys()).cloned().collect();
                users.sort();
                users.dedup();
                let after = users.into_iter().filter_map(|user| {
                    let session = next(new.remove(&user).unwrap_or_default(), state.remove(&user))?;
                    Some((user, session))
                });
                state = after.collect();
                open.push(state.values().filter(|s| !s.has_ended()).count());
            }
            let by_crawler = lines.iter().take(8 * LINES as usize).filter(|l| l.contains(" crawler ")).count();
            assert!((200..280).contains(&by_crawler), "seed {seed}: {by_crawler} of 480");
            let falls = open.windows(2).filter(|w| w[1] < w[0]).count();
            assert!(falls > 10, "seed {seed}: open sessions {open:?}");
        }
    }
}
