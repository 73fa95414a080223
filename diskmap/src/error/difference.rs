//! Where two readable schemas part: the first part of the one that is not the same in the other.
//!
//! Knows texts only, whatever is in them. Invariant: whole parts are named, cut where the text has its delimiters.

/// How deep parts within parts are looked at.
const MAX_DEPTH: u32 = 16;

/// What stands where one side has no more parts.
const NOTHING: &str = "nothing";

/// The line of a message that names the first difference; empty if there is none.
pub(super) fn first_difference(stored: &str, expected: &str) -> String {
    if stored == expected {
        return String::new();
    }
    let (stored, expected) = part(stored, expected, MAX_DEPTH);
    format!("\nfirst difference: stored {}, expected {}", named(stored), named(expected))
}

fn named(part: &str) -> String {
    if part.is_empty() { NOTHING.into() } else { format!("`{part}`") }
}

/// The first parts that differ, of two texts that do.
fn part<'t>(stored: &'t str, expected: &'t str, depth: u32) -> (&'t str, &'t str) {
    let whole = (stored, expected);
    let (Some(one), Some(other)) = (Cut::of(stored), Cut::of(expected)) else { return whole };
    if depth == 0 || one.open != other.open {
        return whole;
    }
    if one.head != other.head {
        let heads = one.open != '<' && !one.head.is_empty() && !other.head.is_empty();
        return if heads { (one.head, other.head) } else { whole };
    }
    let (mut ones, mut others) = (Parts(one.inside), Parts(other.inside));
    loop {
        match (ones.next(), others.next()) {
            (None, None) => return whole,
            (Some(one), Some(other)) if one == other => {}
            (Some(one), Some(other)) => return part(one, other, depth - 1),
            (one, other) => return (one.unwrap_or_default(), other.unwrap_or_default()),
        }
    }
}

/// A text with parts in brackets.
struct Cut<'t> {
    head: &'t str,
    open: char,
    inside: &'t str,
}

impl<'t> Cut<'t> {
    /// `None` for a text that is best named as a whole: one without parts, or that is not well formed.
    fn of(text: &'t str) -> Option<Cut<'t>> {
        text.find(['{', '('])?;
        let start = text.find(['{', '(', '<', '['])?;
        let mut nested = 0_u32;
        for (at, char) in text.char_indices().skip_while(|(at, _)| *at < start) {
            match char {
                '{' | '(' | '<' | '[' => nested += 1,
                '}' | ')' | '>' | ']' => nested = nested.checked_sub(1)?,
                _ => {}
            }
            if nested == 0 {
                let open = text[start..].chars().next()?;
                let inside = text.get(start + open.len_utf8()..at)?;
                return Some(Cut { head: text[..start].trim(), open, inside });
            }
        }
        None
    }
}

/// What is between the commas and semicolons of a text, those in inner brackets left out.
struct Parts<'t>(&'t str);

impl<'t> Iterator for Parts<'t> {
    type Item = &'t str;

    fn next(&mut self) -> Option<&'t str> {
        let text = self.0;
        let mut nested = 0_i64;
        let end = text.char_indices().find(|&(_, char)| {
            match char {
                '{' | '(' | '<' | '[' => nested += 1,
                '}' | ')' | '>' | ']' => nested -= 1,
                _ => {}
            }
            nested == 0 && matches!(char, ',' | ';')
        });
        let (part, rest) = match end {
            Some((at, _)) => text.split_at(at),
            None => (text, ""),
        };
        self.0 = rest.get(1..).unwrap_or_default();
        Some(part.trim()).filter(|part| !part.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(stored: &str, expected: &str, parts: (&str, &str)) {
        let message = |one, other| format!("\nfirst difference: stored {}, expected {}", named(one), named(other));
        assert_eq!(first_difference(stored, expected), message(parts.0, parts.1));
        assert_eq!(first_difference(expected, stored), message(parts.1, parts.0), "the other way round");
    }

    #[test]
    fn fields_are_named_with_their_types() {
        check("record A v1 { id: u64, qty: u32 }", "record A v1 { id: u64, qty: u64 }", ("qty: u32", "qty: u64"));
        check("record A v1 { id: u64 }", "record A v1 { id: u64, qty: u64 }", ("", "qty: u64"));
        check("record A v1 { a: [u8; 3], b: u8 }", "record A v1 { a: [u8; 4], b: u8 }", ("a: [u8; 3]", "a: [u8; 4]"));
        check("record A v1 { a: vec<u8> }", "record A v1 { a: option<u8> }", ("a: vec<u8>", "a: option<u8>"));
        check("record P v1(u8, str)", "record P v1(u8, u8, str)", ("str", "u8"));
        assert_eq!(
            first_difference("record A v1 { id: u64 }", "record A v1 { id: u64, qty: u64 }"),
            "\nfirst difference: stored nothing, expected `qty: u64`"
        );
    }

    #[test]
    fn parts_are_looked_for_within_parts() {
        let line = |end: &str| {
            format!(
                "record Line v1 {{ from: record Point v1 {{ x: f32 }}, to: record Point v1 {{ x: f32, y: {end} }} }}"
            )
        };
        check(&line("f32"), &line("f64"), ("y: f32", "y: f64"));
        check("option<(u32, str)>", "option<(u32, u64)>", ("str", "u64"));
        check("(u32, (u8, u8), str)", "(u32, (u8, u16), u64)", ("u8", "u16"));
        check("shop.P v1 = record P v1 { x: u8 }", "shop.P v1 = record P v1 { x: i8 }", ("x: u8", "x: i8"));
        check("arch(size 24, align 8)", "arch(size 24, align 4)", ("align 8", "align 4"));
    }

    #[test]
    fn names_and_versions_differ_before_what_they_stand_for() {
        check("record A v1 { a: u8 }", "record A v2 { a: u8 }", ("record A v1", "record A v2"));
        check("record A v1 { a: u8 }", "record A v1 { a: u8 } ", ("record A v1 { a: u8 }", "record A v1 { a: u8 } "));
        check("u64", "record A v1 { a: u8 }", ("u64", "record A v1 { a: u8 }"));
        check("u64", "str", ("u64", "str"));
        check("()", "(u32,)", ("", "u32"));
        check("shop.Email v1 = str", "shop.Email v1 = bytes", ("shop.Email v1 = str", "shop.Email v1 = bytes"));
        assert_eq!(first_difference("u64", "u64"), "");
    }

    #[test]
    fn variants_are_named_with_their_discriminants() {
        let drawing = |rest: &str| format!("enum Drawing v1 as u8 {{ Dot = 0, {rest} }}");
        check(&drawing("Text(str) = 1"), &drawing("Text(str) = 2"), ("Text(str) = 1", "Text(str) = 2"));
        check(&drawing("Circle { r: f32 } = 1"), &drawing("Circle { r: f64 } = 1"), ("r: f32", "r: f64"));
        check(&drawing("Circle { r: f32 } = 1"), &drawing("Disc { r: f32 } = 1"), ("Circle", "Disc"));
        check(&drawing("A = 1"), &drawing("A = 1, B = 2"), ("", "B = 2"));
    }

    #[test]
    fn any_text_is_compared_without_a_panic() {
        let deep = "(".repeat(100_000);
        let nested = format!("{}u8{}", "(".repeat(1_000), ")".repeat(1_000));
        let texts = ["", ")", "(", "a(b", "a)b(", "(]", "(ä, ö)", "(ö, ä", "{,;,}", "<>()", &deep, &nested];
        for stored in texts {
            for expected in texts {
                assert_eq!(first_difference(stored, expected).is_empty(), stored == expected);
            }
        }
    }
}
