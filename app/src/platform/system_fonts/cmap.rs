//! Whether a font file has a glyph for a character: its `cmap` table, in the formats 4 and 12 of
//! OpenType. Whatever the bytes are, the answer is yes or no.

/// Whether face `index` of a font or font collection has all these characters.
pub fn covers(data: &[u8], index: u32, chars: &[char]) -> bool {
    let Some(cmap) = cmap_table(data, index) else { return false };
    let tables = subtables(cmap);
    chars.iter().all(|c| tables.iter().any(|table| has_glyph(table, u32::from(*c)).unwrap_or(false)))
}

fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(data.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(data.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn cmap_table(data: &[u8], index: u32) -> Option<&[u8]> {
    let face = if data.get(..4)? == b"ttcf" {
        if index >= u32_at(data, 8)? {
            return None;
        }
        u32_at(data, 12 + 4 * index as usize)? as usize
    } else {
        0
    };
    let tables = usize::from(u16_at(data, face + 4)?);
    let record = (0..tables).map(|i| face + 12 + 16 * i).find(|at| data.get(*at..at + 4) == Some(b"cmap"))?;
    let (offset, length) = (u32_at(data, record + 8)? as usize, u32_at(data, record + 12)? as usize);
    data.get(offset..offset.checked_add(length)?)
}

/// The subtables for Unicode.
fn subtables(cmap: &[u8]) -> Vec<&[u8]> {
    let records = usize::from(u16_at(cmap, 2).unwrap_or(0));
    let unicode =
        |at: usize| matches!((u16_at(cmap, at), u16_at(cmap, at + 2)), (Some(0), _) | (Some(3), Some(1 | 10)));
    let table = |at: usize| cmap.get(u32_at(cmap, at + 4)? as usize..);
    (0..records).map(|i| 4 + 8 * i).filter(|at| unicode(*at)).filter_map(table).collect()
}

fn has_glyph(table: &[u8], code: u32) -> Option<bool> {
    match u16_at(table, 0)? {
        4 => in_segments(table, u16::try_from(code).ok()?),
        12 => in_groups(table, code),
        _ => None,
    }
}

/// Format 4: segments of the basic plane, by their ends.
fn in_segments(table: &[u8], code: u16) -> Option<bool> {
    let segments = usize::from(u16_at(table, 6)?) / 2;
    let (ends, starts) = (14, 16 + 2 * segments);
    let (deltas, offsets) = (starts + 2 * segments, starts + 4 * segments);
    for i in 0..segments {
        if u16_at(table, ends + 2 * i)? < code {
            continue;
        }
        let start = u16_at(table, starts + 2 * i)?;
        if start > code {
            return Some(false);
        }
        let delta = u16_at(table, deltas + 2 * i)?;
        let offset = usize::from(u16_at(table, offsets + 2 * i)?);
        if offset == 0 {
            return Some(code.wrapping_add(delta) != 0);
        }
        let glyph = u16_at(table, offsets + 2 * i + offset + 2 * usize::from(code - start))?;
        return Some(glyph != 0);
    }
    Some(false)
}

/// Format 12: groups of all planes, in order.
fn in_groups(table: &[u8], code: u32) -> Option<bool> {
    for i in 0..u32_at(table, 12)? as usize {
        let at = 16 + 12 * i;
        let (first, last) = (u32_at(table, at)?, u32_at(table, at + 4)?);
        if (first..=last).contains(&code) {
            return Some(u32_at(table, at + 8)?.wrapping_add(code - first) != 0);
        }
    }
    Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTER: &[u8] = include_bytes!("../../../../assets/fonts/Inter-Regular.otf");
    const MONO: &[u8] = include_bytes!("../../../../assets/fonts/JetBrainsMono-Regular.ttf");

    /// Without this a font is taken that shows hollow squares, or one that would do is passed over.
    #[test]
    fn a_font_covers_what_it_has() {
        for font in [INTER, MONO] {
            assert!(covers(font, 0, &['a', 'é', 'Ж', 'Ω', '→']));
            assert!(!covers(font, 0, &['中']));
            assert!(!covers(font, 0, &['a', 'あ']));
        }
        assert!(!covers(MONO, 0, &['ع']));
    }

    /// Without this a damaged font file on one machine stops the window.
    #[test]
    fn damaged_fonts_cover_nothing() {
        assert!(!covers(&[], 0, &['a']));
        for cut in (0..INTER.len()).step_by(997) {
            // Must not panic; a short file may still hold its table.
            let _ = covers(&INTER[..cut], 0, &['中']);
            let mut broken = INTER[..4096].to_vec();
            let at = cut % broken.len();
            broken[at] = broken[at].wrapping_add(127);
            let _ = covers(&broken, 3, &['a']);
        }
    }

    /// Without this the faces of a collection, in which CJK fonts come, are never found.
    #[test]
    fn a_collection_has_faces() {
        // A collection of one face: its offset behind a header of 16 bytes; tables are found from the
        // beginning of the file, so their offsets move along.
        let header = 16u32;
        let mut collection = b"ttcf\0\x01\0\0\0\0\0\x01".to_vec();
        collection.extend(header.to_be_bytes());
        let mut face = MONO.to_vec();
        let tables = usize::from(u16_at(&face, 4).unwrap());
        for i in 0..tables {
            let at = 12 + 16 * i + 8;
            let moved = u32_at(&face, at).unwrap() + header;
            face[at..at + 4].copy_from_slice(&moved.to_be_bytes());
        }
        collection.extend(face);
        assert!(covers(&collection, 0, &['a', 'Ж']));
        assert!(!covers(&collection, 0, &['中']));
        assert!(!covers(&collection, 1, &['a']));
    }
}
