//! `upper` and `lower` as OPA has them: letter by letter, one for one, as Go does. Rust's own make `SS` of
//! `ß`, and so do regorus'.

use regorus::Value;
use regorus::unstable::BuiltinFcn;

/// Both, by name.
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

/// Unicode's simple mapping. `char` has the full one, which is another where it is longer.
fn upper(letter: char) -> char {
    let mut full = letter.to_uppercase();
    if let (Some(only), None) = (full.next(), full.next()) {
        return only;
    }
    let place = u32::from(letter);
    let away = match place {
        // Greek with an iota below.
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
        // `İ` alone.
        _ => 'i',
    }
}
