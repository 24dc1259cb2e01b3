//! Joins of streams of pairs, batch by batch.

use super::dstream::DStream;
use crate::error::Result;
use crate::rdd::Rdd;
use crate::rdd::partitioner::Partitioner;
use crate::storage::Data;
use std::hash::Hash;
use std::panic::Location;

/// For each key the values of both sides.
type Groups<K, V, W> = (K, (Vec<V>, Vec<W>));

impl<K: Data + Hash + Eq, V: Data> DStream<(K, V)> {
    fn paired<W: Data, X: Data>(
        &self,
        method: &'static str,
        other: &DStream<(K, W)>,
        partitioner: Partitioner<K>,
        at: &Location<'_>,
        f: impl Fn(&Rdd<(K, V)>, &Rdd<(K, W)>, Partitioner<K>) -> Rdd<(K, X)> + Send + Sync + 'static,
    ) -> Result<DStream<(K, X)>> {
        self.transformed_with(method, other, at, move |left, right, _| Ok(Some(f(left, right, partitioner.clone()))))
    }

    /// For each key of a batch the values of both streams.
    ///
    /// # Errors
    /// When the other stream is of another context, or has another slide.
    #[track_caller]
    pub fn cogroup<W: Data>(&self, other: &DStream<(K, W)>) -> Result<DStream<Groups<K, V, W>>> {
        self.paired("cogroup", other, self.default_partitioner(), Location::caller(), |left, right, p| {
            left.cogroup_with(right, p)
        })
    }

    /// As [`DStream::cogroup`], partitioned by `partitioner`: a number of partitions, for example.
    ///
    /// # Errors
    /// When the other stream is of another context, or has another slide.
    #[track_caller]
    pub fn cogroup_in<W: Data>(
        &self,
        other: &DStream<(K, W)>,
        partitioner: impl Into<Partitioner<K>>,
    ) -> Result<DStream<Groups<K, V, W>>> {
        self.paired("cogroup", other, partitioner.into(), Location::caller(), |left, right, p| {
            left.cogroup_with(right, p)
        })
    }

    /// For each key of a batch every pair of a value from here and a value from there.
    ///
    /// # Errors
    /// When the other stream is of another context, or has another slide.
    #[track_caller]
    pub fn join<W: Data>(&self, other: &DStream<(K, W)>) -> Result<DStream<(K, (V, W))>> {
        self.paired("join", other, self.default_partitioner(), Location::caller(), |left, right, p| {
            left.join_with(right, p)
        })
    }

    /// As [`DStream::join`], partitioned by `partitioner`: a number of partitions, for example.
    ///
    /// # Errors
    /// When the other stream is of another context, or has another slide.
    #[track_caller]
    pub fn join_in<W: Data>(
        &self,
        other: &DStream<(K, W)>,
        partitioner: impl Into<Partitioner<K>>,
    ) -> Result<DStream<(K, (V, W))>> {
        self.paired("join", other, partitioner.into(), Location::caller(), |left, right, p| left.join_with(right, p))
    }

    /// As [`DStream::join`], and what has no partner there once, with `None`.
    ///
    /// # Errors
    /// When the other stream is of another context, or has another slide.
    #[track_caller]
    pub fn left_outer_join<W: Data>(&self, other: &DStream<(K, W)>) -> Result<DStream<(K, (V, Option<W>))>> {
        self.paired("leftOuterJoin", other, self.default_partitioner(), Location::caller(), |left, right, p| {
            left.left_outer_join_with(right, p)
        })
    }

    /// As [`DStream::left_outer_join`], partitioned by `partitioner`: a number of partitions, for example.
    ///
    /// # Errors
    /// When the other stream is of another context, or has another slide.
    #[track_caller]
    pub fn left_outer_join_in<W: Data>(
        &self,
        other: &DStream<(K, W)>,
        partitioner: impl Into<Partitioner<K>>,
    ) -> Result<DStream<(K, (V, Option<W>))>> {
        self.paired("leftOuterJoin", other, partitioner.into(), Location::caller(), |left, right, p| {
            left.left_outer_join_with(right, p)
        })
    }

    /// As [`DStream::join`], and what of there has no partner here once, with `None`.
    ///
    /// # Errors
    /// When the other stream is of another context, or has another slide.
    #[track_caller]
    pub fn right_outer_join<W: Data>(&self, other: &DStream<(K, W)>) -> Result<DStream<(K, (Option<V>, W))>> {
        self.paired("rightOuterJoin", other, self.default_partitioner(), Location::caller(), |left, right, p| {
            left.right_outer_join_with(right, p)
        })
    }

    /// As [`DStream::right_outer_join`], partitioned by `partitioner`: a number of partitions, for example.
    ///
    /// # Errors
    /// When the other stream is of another context, or has another slide.
    #[track_caller]
    pub fn right_outer_join_in<W: Data>(
        &self,
        other: &DStream<(K, W)>,
        partitioner: impl Into<Partitioner<K>>,
    ) -> Result<DStream<(K, (Option<V>, W))>> {
        self.paired("rightOuterJoin", other, partitioner.into(), Location::caller(), |left, right, p| {
            left.right_outer_join_with(right, p)
        })
    }

    /// As [`DStream::join`], and what has no partner on the other side once, with `None`.
    ///
    /// # Errors
    /// When the other stream is of another context, or has another slide.
    #[track_caller]
    pub fn full_outer_join<W: Data>(&self, other: &DStream<(K, W)>) -> Result<DStream<(K, (Option<V>, Option<W>))>> {
        self.paired("fullOuterJoin", other, self.default_partitioner(), Location::caller(), |left, right, p| {
            left.full_outer_join_with(right, p)
        })
    }

    /// As [`DStream::full_outer_join`], partitioned by `partitioner`: a number of partitions, for example.
    ///
    /// # Errors
    /// When the other stream is of another context, or has another slide.
    #[track_caller]
    pub fn full_outer_join_in<W: Data>(
        &self,
        other: &DStream<(K, W)>,
        partitioner: impl Into<Partitioner<K>>,
    ) -> Result<DStream<(K, (Option<V>, Option<W>))>> {
        self.paired("fullOuterJoin", other, partitioner.into(), Location::caller(), |left, right, p| {
            left.full_outer_join_with(right, p)
        })
    }
}
