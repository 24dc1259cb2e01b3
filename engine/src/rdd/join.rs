//! Joins: a cogroup, and for each key the pairs of its values.

use super::Rdd;
use super::partitioner::Partitioner;
use crate::storage::Data;
use std::hash::Hash;
use std::panic::Location;

/// Every pair of one from each side.
fn pairs<V: Clone, W: Clone>(left: &[V], right: &[W]) -> Vec<(V, W)> {
    let mut pairs = Vec::with_capacity(left.len() * right.len());
    for v in left {
        pairs.extend(right.iter().map(|w| (v.clone(), w.clone())));
    }
    pairs
}

/// As they are, or once nothing.
fn or_none<V>(values: Vec<V>) -> Vec<Option<V>> {
    if values.is_empty() { vec![None] } else { values.into_iter().map(Some).collect() }
}

impl<K: Data + Hash + Eq, V: Data> Rdd<(K, V)> {
    /// For each key every pair of a value from here and a value from there.
    #[track_caller]
    pub fn join<W: Data>(&self, other: &Rdd<(K, W)>) -> Rdd<(K, (V, W))> {
        let _scope = self.context().open("join", Location::caller());
        self.join_with(other, self.default_partitioner_with(other))
    }

    /// As [`Rdd::join`], partitioned by `partitioner`.
    #[track_caller]
    pub fn join_with<W: Data>(&self, other: &Rdd<(K, W)>, partitioner: impl Into<Partitioner<K>>) -> Rdd<(K, (V, W))> {
        let _scope = self.context().open("join", Location::caller());
        self.cogroup_with(other, partitioner).flat_map_values(|(left, right)| pairs(&left, &right))
    }

    /// As [`Rdd::join`], and what has no partner there once, with `None`.
    #[track_caller]
    pub fn left_outer_join<W: Data>(&self, other: &Rdd<(K, W)>) -> Rdd<(K, (V, Option<W>))> {
        let _scope = self.context().open("leftOuterJoin", Location::caller());
        self.left_outer_join_with(other, self.default_partitioner_with(other))
    }

    /// As [`Rdd::left_outer_join`], partitioned by `partitioner`.
    #[track_caller]
    pub fn left_outer_join_with<W: Data>(
        &self,
        other: &Rdd<(K, W)>,
        partitioner: impl Into<Partitioner<K>>,
    ) -> Rdd<(K, (V, Option<W>))> {
        let _scope = self.context().open("leftOuterJoin", Location::caller());
        self.cogroup_with(other, partitioner).flat_map_values(|(left, right)| pairs(&left, &or_none(right)))
    }

    /// As [`Rdd::join`], and what has no partner here once, with `None`.
    #[track_caller]
    pub fn right_outer_join<W: Data>(&self, other: &Rdd<(K, W)>) -> Rdd<(K, (Option<V>, W))> {
        let _scope = self.context().open("rightOuterJoin", Location::caller());
        self.right_outer_join_with(other, self.default_partitioner_with(other))
    }

    /// As [`Rdd::right_outer_join`], partitioned by `partitioner`.
    #[track_caller]
    pub fn right_outer_join_with<W: Data>(
        &self,
        other: &Rdd<(K, W)>,
        partitioner: impl Into<Partitioner<K>>,
    ) -> Rdd<(K, (Option<V>, W))> {
        let _scope = self.context().open("rightOuterJoin", Location::caller());
        self.cogroup_with(other, partitioner).flat_map_values(|(left, right)| pairs(&or_none(left), &right))
    }

    /// As [`Rdd::join`], and what has no partner on the other side once, with `None`.
    #[track_caller]
    pub fn full_outer_join<W: Data>(&self, other: &Rdd<(K, W)>) -> Rdd<(K, (Option<V>, Option<W>))> {
        let _scope = self.context().open("fullOuterJoin", Location::caller());
        self.full_outer_join_with(other, self.default_partitioner_with(other))
    }

    /// As [`Rdd::full_outer_join`], partitioned by `partitioner`.
    #[track_caller]
    pub fn full_outer_join_with<W: Data>(
        &self,
        other: &Rdd<(K, W)>,
        partitioner: impl Into<Partitioner<K>>,
    ) -> Rdd<(K, (Option<V>, Option<W>))> {
        let _scope = self.context().open("fullOuterJoin", Location::caller());
        self.cogroup_with(other, partitioner).flat_map_values(|(left, right)| pairs(&or_none(left), &or_none(right)))
    }
}
