//! Numbers as the page shows them.

/// Three significant figures.
pub(super) fn figure(value: f64) -> String {
    match value.abs() {
        v if v.fract() == 0.0 && v < 1000.0 => format!("{value:.0}"),
        v if v >= 1000.0 => in_thousands(&format!("{value:.0}")),
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 1.0 => format!("{value:.2}"),
        v if v >= 0.1 => format!("{value:.3}"),
        v if v >= 0.01 => format!("{value:.4}"),
        v if v >= 0.001 => format!("{value:.5}"),
        v if v >= 0.000_1 => format!("{value:.6}"),
        _ => format!("{value:.2e}"),
    }
}

/// Digits with a comma before each three.
fn in_thousands(digits: &str) -> String {
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A figure beside its limit, which it is not shown as unless it is the limit.
pub(super) fn beside(value: f64, limit: f64) -> String {
    let shown = figure(value);
    let read: Option<f64> = shown.replace(',', "").parse().ok();
    if value == limit || read != Some(limit) {
        return shown;
    }
    let decimals = decimals(value, limit, 1);
    let exact = format!("{value:.decimals$}");
    let (whole, rest) = exact.split_once('.').unwrap_or((&exact, "0"));
    format!("{}.{rest}", in_thousands(whole))
}

/// How many decimals it takes, `least` or more, until a value does not read as its limit.
pub(in crate::bench) fn decimals(value: f64, limit: f64, least: usize) -> usize {
    let reads_as_limit = |decimals: &usize| {
        let read: Option<f64> = format!("{value:.prec$}", prec = *decimals).parse().ok();
        read == Some(limit)
    };
    if value == limit {
        return least;
    }
    (least..MOST)
        .find(|decimals| !reads_as_limit(decimals))
        .unwrap_or(MOST)
}

/// More digits than a number has.
const MOST: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_has_three_digits_and_large_ones_their_thousands_apart() {
        let shown: Vec<String> = [
            0.000_01,
            0.000_905,
            0.001234,
            0.01234,
            0.1234,
            1.234,
            12.34,
            123.4,
            1234.0,
            123_456.0,
            6_138_186.0,
        ]
        .into_iter()
        .map(figure)
        .collect();
        assert_eq!(
            shown,
            [
                "1.00e-5",
                "0.000905",
                "0.00123",
                "0.0123",
                "0.123",
                "1.23",
                "12.3",
                "123",
                "1,234",
                "123,456",
                "6,138,186"
            ]
        );
    }

    #[test]
    fn a_figure_that_is_not_its_limit_does_not_read_as_the_limit() {
        for (value, limit, shown) in [
            (19.995, 20.0, "19.995"),
            (19.995_226_568, 20.0, "19.995"),
            (19.9, 20.0, "19.9"),
            (20.0, 20.0, "20"),
            (1.4999, 1.5, "1.4999"),
            (9.9999, 10.0, "9.9999"),
            (10_000.4, 10_000.0, "10,000.4"),
            (9_999.96, 10_000.0, "9,999.96"),
            (0.0, 0.0, "0"),
            (0.000_4, 0.0, "0.000400"),
            (33.0, 20.0, "33"),
            (f64::NAN, 20.0, "NaN"),
        ] {
            assert_eq!(beside(value, limit), shown);
        }
        assert_eq!(decimals(19.9996, 20.0, 3), 4);
        assert_eq!(decimals(20.0, 20.0, 3), 3);
        assert_eq!(decimals(f64::NAN, 20.0, 3), 3);
    }
}
