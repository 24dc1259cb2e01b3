//! `cartesian`: every pair of a record here and a record there.

use super::chunk::{Chunk, Sink, Stop};
use super::narrow::flush;
use super::node::RddNode;
use super::{Dependency, Rdd};
use crate::event::DependencyKind;
use crate::ids::PartitionId;
use crate::storage::Data;
use crate::task_context::TaskContext;
use std::ops::ControlFlow;
use std::panic::Location;

/// Partition i pairs left partition `i / n` with right partition `i % n`, where the right side has n. The
/// right one is held, the left one streams past.
struct Cartesian<T: Data, U: Data> {
    left: Rdd<T>,
    right: Rdd<U>,
}

impl<T: Data, U: Data> RddNode<(T, U)> for Cartesian<T, U> {
    fn compute(&self, part: PartitionId, ctx: &TaskContext, sink: Sink<'_, (T, U)>) -> ControlFlow<Stop> {
        let by = self.right.num_partitions();
        let right = match self.right.collect_partition(PartitionId(part.0 % by), ctx) {
            Ok(values) => values,
            Err(error) => return ControlFlow::Break(Stop::Failed(error)),
        };
        let mut buffer = Vec::new();
        self.left.for_each_chunk(PartitionId(part.0 / by), ctx, &mut |chunk: Chunk<'_, T>| {
            chunk.as_slice().iter().try_for_each(|v| {
                right.chunks(ctx.chunk_len()).try_for_each(|some| {
                    buffer.extend(some.iter().map(|w| (v.clone(), w.clone())));
                    if buffer.len() < ctx.chunk_len() {
                        return ControlFlow::Continue(());
                    }
                    flush(&mut buffer, sink)
                })
            })?;
            flush(&mut buffer, sink)
        })
    }
}

impl<T: Data> Rdd<T> {
    /// Every pair of a record of this RDD and one of `other`: as many partitions as the product of both.
    #[track_caller]
    pub fn cartesian<U: Data>(&self, other: &Rdd<U>) -> Rdd<(T, U)> {
        let _scope = self.context().open("cartesian", Location::caller());
        let (left, right) = (self.info(), other.info());
        let by = right.num_partitions;
        let narrow = |parent, kind| Dependency::Narrow { parent, kind };
        let core = self.context().new_core(
            "CartesianRDD",
            left.num_partitions.saturating_mul(by),
            None,
            left.determinism.max(right.determinism),
            vec![
                narrow(self.erased(), DependencyKind::Quotient { by }),
                narrow(other.erased(), DependencyKind::Remainder { by }),
            ],
        );
        Rdd::new(core, Cartesian { left: self.clone(), right: other.clone() })
    }
}
