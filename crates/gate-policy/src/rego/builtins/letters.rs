//! `upper` and `lower` as in OPA: one character for one, as in Go. Rust and regorus make `SS` of
//! `ß`.

use regorus::Value;
use regorus::unstable::BuiltinFcn;

pub(super) const BUILTINS: [(&str, BuiltinFcn); 2] = [
    ("upper", (|_, _, args, _| Ok(each_letter(args, upper)), 1)),
    ("lower", (|_, _, args, _| Ok(each_letter(args, lower)), 1)),
];

fn each_letter(args: &[Value], change: fn(char) -> char) -> Value {
    match args {
        [Value::String(text)] => text.chars().map(change).collect::<String>().into(),
        _ => Value::Undefined,
    }
}

/// Unicode's simple mapping. `char` has the full one, which differs where it is longer.
fn upper(letter: char) -> char {
    let mut full = letter.to_uppercase();
    if let (Some(only), None) = (full.next(), full.next()) {
        return only;
    }
    let place = u32::from(letter);
    let away = match place {
        // Greek letters with an iota subscript.
        0x1F80..=0x1F87 | 0x1F90..=0x1F97 | 0x1FA0..=0x1FA7 => 8,
        0x1FB3 | 0x1FC3 | 0x1FF3 => 9,
        _ => 0,
    };
    char::from_u32(place.saturating_add(away)).unwrap_or(letter)
}

pub(super) fn lower(letter: char) -> char {
    let mut full = letter.to_lowercase();
    match (full.next(), full.next()) {
        (Some(only), None) => only,
        // Only `İ`.
        _ => 'i',
    }
}
