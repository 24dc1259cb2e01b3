//! Three charts over batches or jobs, as bars that are never more than there are pixels for.

use std::ops::RangeInclusive;

/// What is special about a bar. The later wins when several share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChartMark {
    /// Nothing.
    Plain,
    /// It has not ended.
    Open,
    /// It paid for a loss.
    Recovered,
    /// It failed.
    Failed,
}

/// One batch or job.
#[derive(Clone, Debug, PartialEq)]
pub struct ChartPoint {
    /// Its number.
    pub number: u32,
    /// Its value in each chart, where there is one.
    pub values: [Option<f64>; 3],
    /// What is special about it.
    pub mark: ChartMark,
}

/// One bar in each chart: one batch, or the most that several consecutive ones had.
#[derive(Clone, Debug, PartialEq)]
pub struct ChartBar {
    /// The batches or jobs that share it.
    pub numbers: RangeInclusive<u32>,
    /// The largest value of each chart.
    pub values: [Option<f64>; 3],
    /// What is special about one of them.
    pub mark: ChartMark,
}

/// The points of `range` as at most `most` bars, and how many numbers one bar spans. Buckets begin at
/// multiples of their width, so that a bar does not change while later ones arrive.
pub fn bars(points: &[ChartPoint], range: RangeInclusive<u32>, most: usize) -> (Vec<ChartBar>, u32) {
    let from = points.partition_point(|p| p.number < *range.start());
    let to = points.partition_point(|p| p.number <= *range.end());
    let shown = &points[from..to.max(from)];
    let (Some(first), Some(last)) = (shown.first(), shown.last()) else { return (Vec::new(), 1) };
    let span = u64::from(last.number - first.number) + 1;
    // One more, because the first bucket may begin before the first point.
    let width = span.div_ceil(most.max(2) as u64 - 1).clamp(1, u64::from(u32::MAX));
    let width = if span <= most as u64 { 1 } else { width as u32 };
    let mut bars: Vec<ChartBar> = Vec::new();
    for point in shown {
        let bucket = |number: u32| number / width;
        match bars.last_mut().filter(|bar| bucket(*bar.numbers.start()) == bucket(point.number)) {
            Some(bar) => {
                bar.numbers = *bar.numbers.start()..=point.number;
                bar.mark = bar.mark.max(point.mark);
                for (most, value) in bar.values.iter_mut().zip(point.values) {
                    // `None` counts less than any number.
                    *most = if value > *most { value } else { *most };
                }
            }
            None => {
                bars.push(ChartBar { numbers: point.number..=point.number, values: point.values, mark: point.mark })
            }
        }
    }
    (bars, width)
}
