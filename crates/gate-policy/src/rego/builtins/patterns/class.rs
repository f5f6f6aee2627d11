//! Translates character classes: `[a-z]`, `\d`, `[[:alpha:]]`.

use super::syntax::{Reader, Refusal};

/// POSIX class names, all ASCII only.
const NAMES: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
    "space", "upper", "word", "xdigit",
];

/// The class of an escape: ASCII only, where the crate `regex` has Unicode.
pub(super) const fn of_letter(letter: char) -> Option<&'static str> {
    match letter {
        'd' => Some("[0-9]"),
        'D' => Some("[^0-9]"),
        's' => Some(r"[\t\n\x0c\r ]"),
        'S' => Some(r"[^\t\n\x0c\r ]"),
        'w' => Some("[0-9A-Za-z_]"),
        'W' => Some("[^0-9A-Za-z_]"),
        _ => None,
    }
}

/// Translates a class behind its opening bracket.
pub(super) fn read(reader: &mut Reader<'_>) -> Result<(), Refusal> {
    reader.made.push('[');
    if reader.skip("^") {
        reader.made.push('^');
    }
    let mut is_first = true;
    while is_first || !reader.rest.starts_with(']') {
        is_first = false;
        item(reader)?;
    }
    reader.next();
    reader.made.push(']');
    Ok(())
}

fn item(reader: &mut Reader<'_>) -> Result<(), Refusal> {
    if named(reader)? {
        return Ok(());
    }
    let mut letters = reader.rest.chars();
    if let (Some('\\'), Some(class)) = (letters.next(), letters.next().and_then(of_letter)) {
        reader.made.push_str(class);
        reader.rest = letters.as_str();
        return Ok(());
    }
    let from = letter(reader)?;
    let is_range = reader.rest.starts_with('-') && !reader.rest.starts_with("-]");
    let to = if is_range {
        reader.next();
        letter(reader)?
    } else {
        from
    };
    if to < from {
        return Err(Refusal::Invalid);
    }
    let [from, to] = [from, to].map(u32::from);
    reader
        .made
        .push_str(&format!(r"\x{{{from:x}}}-\x{{{to:x}}}"));
    Ok(())
}

/// `[:alpha:]`.
fn named(reader: &mut Reader<'_>) -> Result<bool, Refusal> {
    let after = reader.rest.strip_prefix("[:");
    let Some((name, rest)) = after.and_then(|after| after.split_once(":]")) else {
        return Ok(false);
    };
    if !NAMES.contains(&name.strip_prefix('^').unwrap_or(name)) {
        return Err(Refusal::Invalid);
    }
    reader.made.push_str(&format!("[:{name}:]"));
    reader.rest = rest;
    Ok(true)
}

fn letter(reader: &mut Reader<'_>) -> Result<char, Refusal> {
    match reader.next() {
        Some('\\') => reader.escaped(),
        Some(letter) => Ok(letter),
        None => Err(Refusal::Invalid),
    }
}
