//! Tests of the window against hand-built values.

mod demo;
mod demo_tasks;
mod harness;
mod pictures;

mod cells;
mod far_view;
mod flows;
mod timeline;
mod words;
