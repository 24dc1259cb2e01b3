//! Tests of the window against hand-built values.

mod demo;
mod harness;
mod overlays;
mod pictures;

mod cells;
mod far_view;
mod flows;
mod words;
