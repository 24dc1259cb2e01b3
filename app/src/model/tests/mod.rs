//! Tests of the model through `apply`.
