//! The alphabet of partition cells as SVG symbols of 16 by 16, with the shapes of the window.

use super::Palette;
use crate::model::{Cell, Sign};
use crate::scene::metrics::CELL;
use emath::Pos2;
use std::fmt::{Result, Write};

/// The identifier of a sign's symbol.
const fn id(sign: Sign) -> &'static str {
    match sign {
        Sign::NeverComputed => "never-computed",
        Sign::ComputedNotKept => "computed-not-kept",
        Sign::Computing => "computing",
        Sign::ComputingAgain => "computing-again",
        Sign::InMemory => "in-memory",
        Sign::OnDisk => "on-disk",
        Sign::ReadBack => "read-back",
        Sign::CheckpointPart => "checkpoint-part",
        Sign::Lost => "lost",
        Sign::Evicted => "evicted",
    }
}

/// The symbols that [`put_cell`] uses.
pub(super) fn put_symbols(out: &mut String, p: &Palette) -> Result {
    writeln!(
        out,
        r#"<pattern id="hatch" width="5.6" height="5.6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="2.8" height="5.6" fill="{}"/></pattern>"#,
        p.again
    )?;
    for sign in Sign::ALL {
        writeln!(
            out,
            r#"<symbol id="{}" viewBox="0 0 16 16" width="16" height="16">{}</symbol>"#,
            id(sign),
            body(sign, p)
        )?;
    }
    let dots = format!(
        r#"<circle cx="5.1" cy="8" r="1.6" fill="{0}"/><circle cx="10.9" cy="8" r="1.6" fill="{0}"/>"#,
        p.on_fill
    );
    for (id, body) in [
        ("two-copies", dots),
        ("and-checkpointed", format!(r#"<path d="M0 16h8L0 8z" fill="{}"/>"#, p.checkpoint)),
        ("recomputed", format!(r#"<path d="M16 0H8l8 8z" fill="{}"/>"#, p.again)),
    ] {
        writeln!(out, r#"<symbol id="{id}" viewBox="0 0 16 16" width="16" height="16">{body}</symbol>"#)?;
    }
    Ok(())
}

fn body(sign: Sign, p: &Palette) -> String {
    let outline = |color: &str| {
        format!(
            r#"<rect x="0.8" y="0.8" width="14.4" height="14.4" rx="2.4" fill="none" stroke="{color}" stroke-width="1.6"/>"#
        )
    };
    let fill = |color: &str| format!(r#"<rect width="16" height="16" rx="3" fill="{color}"/>"#);
    let line = |d: &str, color: &str| {
        format!(r#"<path d="{d}" fill="none" stroke="{color}" stroke-width="1.8" stroke-linecap="round"/>"#)
    };
    match sign {
        Sign::NeverComputed => outline(&p.empty),
        Sign::ComputedNotKept => outline(&p.empty) + &format!(r#"<circle cx="8" cy="8" r="1.8" fill="{}"/>"#, p.empty),
        Sign::Computing => {
            outline(&p.computing)
                + &format!(r#"<rect x="3.2" y="8.6" width="9.6" height="4.2" rx="1" fill="{}"/>"#, p.computing)
        }
        Sign::ComputingAgain => {
            r#"<rect x="1" y="1" width="14" height="14" fill="url(#hatch)"/>"#.to_owned() + &outline(&p.again)
        }
        Sign::InMemory => fill(&p.memory),
        Sign::OnDisk => {
            let bar = |y: f32| format!(r#"<rect x="2.9" y="{y}" width="10.2" height="2.4" fill="{}"/>"#, p.disk);
            outline(&p.disk) + &bar(2.9) + &bar(6.8) + &bar(10.7)
        }
        Sign::ReadBack => outline(&p.checkpoint) + &line("M8 4.3v7.4M4.9 8.7 8 11.7l3.1-3", &p.checkpoint),
        Sign::CheckpointPart => fill(&p.checkpoint) + &line("M4.2 8 7 10.9l4.8-5.6", &p.on_fill),
        Sign::Lost => outline(&p.lost) + &line("M4.8 4.8l6.4 6.4M11.2 4.8l-6.4 6.4", &p.lost),
        Sign::Evicted => format!(
            r#"<rect x="0.8" y="0.8" width="14.4" height="14.4" fill="none" stroke="{}" stroke-width="1.6" stroke-dasharray="3.2 2.6"/>"#,
            p.empty
        ),
    }
}

/// One cell with its corners and dots, its upper left corner at `at`.
pub(super) fn put_cell(out: &mut String, cell: Cell, at: Pos2) -> Result {
    let mut put =
        |id: &str| write!(out, r##"<use href="#{id}" x="{}" y="{}" width="{CELL}" height="{CELL}"/>"##, at.x, at.y);
    put(id(cell.sign))?;
    if cell.copies >= 2 && matches!(cell.sign, Sign::InMemory | Sign::OnDisk) {
        put("two-copies")?;
    }
    if cell.checkpointed && cell.sign != Sign::CheckpointPart {
        put("and-checkpointed")?;
    }
    if cell.recomputed && cell.sign != Sign::ComputingAgain {
        put("recomputed")?;
    }
    Ok(())
}
