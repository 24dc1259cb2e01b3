//! Tests of the window against hand-built values.

mod demo;
mod demo_tasks;
mod driver;
mod harness;
mod overlays;
mod pictures;
mod scrubber;

mod cells;
mod executors;
mod far_view;
mod faults;
mod findings;
mod flows;
mod focus;
mod input_menu;
mod ledger;
mod race;
mod tables;
mod timeline;
mod words;
