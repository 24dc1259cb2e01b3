//! Silence for panics that a test causes on purpose.

use std::panic;
use std::sync::Once;

/// Every deliberate panic begins with this.
pub const DELIBERATE: &str = "deliberate";

/// Panics whose message begins with [`DELIBERATE`] are not printed; others are.
pub fn silence_deliberate_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let payload = info.payload();
            let text = payload.downcast_ref::<&str>().copied();
            let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
            if !text.is_some_and(|t| t.starts_with(DELIBERATE)) {
                print(info);
            }
        }));
    });
}
