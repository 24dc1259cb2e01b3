//! `join-streams`: payments joined with the orders of the last seconds. Both are lines of one log,
//! `order 1042 lamp 38` and `payment 1042 38`; the program reads it twice, as two streams.

use super::{BuiltIn, ProgramInput, run_stream};
use crate::error::Result;
use crate::event::StorageLevel;
use crate::ids::Millis;
use crate::rdd::{Line, ReplayText, SparkContext};
use crate::rng::{Rng, Seed};
use crate::streaming::StreamingContext;
use std::collections::BTreeMap;

/// The program.
pub(super) const PROGRAM: BuiltIn = BuiltIn {
    name: "join-streams",
    summary: "joins each payment with its order, if that is at most 4 s old; the orders of the window are kept in memory",
    about: "two streams and a join",
    kept_operator: "flatMap",
    level: StorageLevel::MEMORY_ONLY_SER,
    streaming: true,
    must_checkpoint: false,
    sample: Some(orders_and_payments),
    run,
};

/// Rows printed after each batch.
const ROWS: usize = 3;

/// What was ordered, and for how much.
type Order = (Line, u32);

/// `order 1042 lamp 38`: the order's number, what, and for how much.
fn order(line: &Line) -> Option<(u32, Order)> {
    match line.as_str().split_whitespace().collect::<Vec<_>>()[..] {
        ["order", id, item, amount] => Some((id.parse().ok()?, (Line::from(item.to_owned()), amount.parse().ok()?))),
        _ => None,
    }
}

/// `payment 1042 38`: the order's number, and how much.
fn payment(line: &Line) -> Option<(u32, u32)> {
    match line.as_str().split_whitespace().collect::<Vec<_>>()[..] {
        ["payment", id, amount] => Some((id.parse().ok()?, amount.parse().ok()?)),
        _ => None,
    }
}

fn row((id, (amount, order)): &(u32, (u32, Option<Order>))) -> String {
    match order {
        Some((item, _)) => format!("({id}, {item}, {amount})"),
        None => format!("({id}, too late, {amount})"),
    }
}

fn run(sc: &SparkContext, input: &ProgramInput) -> Result<()> {
    run_stream(sc, input, |ssc| build(ssc, input))
}

fn build(ssc: &StreamingContext, input: &ProgramInput) -> Result<()> {
    let lines = input.lines(ssc)?;
    // A text is read twice; from outside each line comes once.
    let others = if input.source.is_replayed() { input.lines(ssc)? } else { lines.clone() };
    let orders = lines.flat_map(|line: Line| order(&line)).window(Millis(4000), Millis(1000))?;
    let payments = others.flat_map(|line: Line| payment(&line));
    let joined = payments.left_outer_join(&orders)?;
    if input.sink.is_some() {
        input.save(&joined.map(|joined| (joined.0, row(&joined))));
    }
    joined.for_each_rdd(|rdd, _| {
        let mut all = rdd.collect()?;
        rdd.context().emit(&all);
        all.sort();
        let late = all.iter().filter(|(_, (_, order))| order.is_none()).count();
        let head = format!("{} payments, {late} late", all.len());
        rdd.context().print(std::iter::once(head).chain(all.iter().take(ROWS).map(row)).collect());
        Ok(())
    });
    Ok(())
}

/// Batches of the sample, and lines of each: as many as the window gives a batch.
const BATCHES: u32 = 60;
const LINES: usize = 60;
const FIRST_ID: u32 = 1001;
const ITEMS: [&str; 8] = ["lamp", "chair", "kettle", "clock", "basket", "mirror", "carpet", "teapot"];

/// Batches from an order to its payment; none for an order that nobody pays.
fn delay(rng: &mut Rng) -> Option<u32> {
    match rng.below(100) {
        0..20 => Some(0),
        20..50 => Some(1),
        50..75 => Some(2),
        75..86 => Some(3),
        86..92 => Some(4),
        92..96 => Some(5),
        _ => None,
    }
}

/// A log of orders and payments: most are paid within 3 batches, some too late, a few never.
fn orders_and_payments(seed: u64) -> ReplayText {
    let mut rng = Seed(seed).fork("orders and payments").rng();
    let mut due: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    let mut text = String::new();
    let mut id = FIRST_ID;
    for batch in 0..BATCHES {
        let mut lines = due.remove(&batch).unwrap_or_default();
        let over = lines.split_off(lines.len().min(LINES));
        due.entry(batch + 1).or_default().extend(over);
        while lines.len() < LINES {
            let item = ITEMS[rng.below(ITEMS.len() as u64) as usize];
            let amount = 5 + rng.below(95);
            lines.push(format!("order {id} {item} {amount}"));
            let payment = format!("payment {id} {amount}");
            match delay(&mut rng) {
                Some(0) if lines.len() < LINES => lines.push(payment),
                Some(batches) => due.entry(batch + batches.max(1)).or_default().push(payment),
                None => {}
            }
            id += 1;
        }
        for i in (1..lines.len()).rev() {
            lines.swap(i, rng.below(i as u64 + 1) as usize);
        }
        text.push_str(&lines.join("\n"));
        text.push('\n');
    }
    ReplayText::from_text("orders and payments", &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without it the demo could show a join that always matches, or never does.
    #[test]
    fn the_sample_has_orders_paid_in_time_late_and_never() {
        for seed in 0..20 {
            let lines = orders_and_payments(seed).first_lines(LINES * BATCHES as usize);
            assert_eq!(lines.len(), LINES * BATCHES as usize, "seed {seed}");
            let batch_of = |i: usize| (i / LINES) as i64;
            let orders: BTreeMap<u32, i64> =
                lines.iter().enumerate().filter_map(|(i, l)| Some((order(l)?.0, batch_of(i)))).collect();
            let delays: Vec<i64> = lines
                .iter()
                .enumerate()
                .filter_map(|(i, l)| payment(l).map(|(id, _)| batch_of(i) - orders[&id]))
                .collect();
            assert_eq!(orders.len() + delays.len(), lines.len(), "seed {seed}: every line is one of both");
            assert!(delays.iter().all(|d| *d >= 0), "seed {seed}: nothing is paid before it is ordered");
            let late = delays.iter().filter(|d| **d > 3).count();
            assert!(late * 20 > delays.len() && late * 5 < delays.len(), "seed {seed}: {late} of {}", delays.len());
            assert!(delays.len() < orders.len(), "seed {seed}: some are never paid");
        }
    }
}
