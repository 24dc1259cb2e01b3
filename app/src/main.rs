//! The one binary.

fn main() -> anyhow::Result<()> {
    faultline::window::open("word-count", faultline::theme::Theme::Dark)
}
