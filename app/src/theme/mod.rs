//! How things look: colours by name, fonts and sizes, and how numbers are written.
//!
//! The only place with colour literals. Knows egui, never the model.

pub mod fonts;
pub mod format;
mod numbers;
pub mod script;
pub mod switch;
pub mod text;
pub mod tokens;
pub mod widgets;

pub use numbers::NumberStyle;
pub use tokens::{Theme, Tokens};

/// One step of spacing; distances are multiples of it.
pub const STEP: f32 = 4.0;

/// Corner radius of cards, nodes and buttons.
pub const RADIUS: f32 = 8.0;

/// Corner radius of small controls and cells at their normal size.
pub const RADIUS_SMALL: f32 = 4.0;
