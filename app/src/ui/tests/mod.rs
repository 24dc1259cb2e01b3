//! Tests of the window against hand-built values.

mod demo;
mod harness;
mod pictures;
mod scrubber;

mod cells;
mod far_view;
mod flows;
mod input_menu;
mod tables;
mod words;
