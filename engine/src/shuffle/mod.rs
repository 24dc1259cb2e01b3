//! Shuffles: the map side writes one bucket per reduce partition on its executor, the reduce side
//! fetches and merges them in map order.

mod combine;
mod combined;
mod dep;
pub mod store;
mod tracker;

pub use combine::{CombineReduceSide, CombineWith, Combiner, FoldWith, GroupValues, KeepAll, ReduceWith};
pub use dep::ShuffleDep;
pub use store::ShuffleStore;
pub use tracker::{MapOutputTracker, MapSizes, ShuffleStatus};

pub(crate) use combined::Combined;
pub(crate) use dep::combine_partition;
