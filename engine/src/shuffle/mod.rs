//! What the map side of a shuffle leaves on its executor, and how the reduce side gets it.

pub mod store;
