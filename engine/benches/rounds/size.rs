//! How large the inputs of a bench are.

/// Multiplies the size of every input: `FAULTLINE_BENCH_SCALE=0.1 cargo bench`.
const SCALE_VAR: &str = "FAULTLINE_BENCH_SCALE";
/// The scale when only the working of the code is of interest.
const SMOKE_SCALE: f64 = 0.001;

/// Whether this is `cargo bench`, which says so on the command line.
pub fn measuring() -> bool {
    std::env::args().any(|arg| arg == "--bench")
}

/// The size to use for an input of `full` parts; at least `least`.
pub fn scaled(full: usize, least: usize) -> usize {
    let set = std::env::var(SCALE_VAR).ok().and_then(|scale| scale.parse::<f64>().ok());
    let scale = set.unwrap_or(if measuring() { 1.0 } else { SMOKE_SCALE });
    ((full as f64 * scale) as usize).max(least)
}
