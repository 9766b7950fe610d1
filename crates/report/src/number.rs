//! Numbers as people read them.

use std::fmt::Display;

/// Four significant digits without needless zeros, `1.23e-4` below a thousandth and above 99999.
pub fn short(x: f64) -> String {
    significant(x, 4)
}

/// A number in a table's own units: all its digits, or six of many.
pub(super) fn own(x: f64) -> String {
    match brief(x) {
        exact if exact.len() <= 10 => exact,
        _ => significant(x, 6),
    }
}

fn significant(x: f64, digits: i32) -> String {
    if x == 0.0 {
        return "0".into();
    }
    if !x.is_finite() {
        return x.to_string();
    }
    let magnitude = x.abs().log10().floor() as i32;
    if !(-3..digits.max(5)).contains(&magnitude) {
        return format!("{x:.*e}", (digits - 2) as usize);
    }
    let decimals = (digits - 1 - magnitude).max(0) as usize;
    let fixed = format!("{x:.decimals$}");
    if fixed.contains('.') {
        fixed
            .trim_end_matches('0')
            .trim_end_matches('.')
            .to_string()
    } else {
        fixed
    }
}

/// All the digits that tell a number apart, in the shorter of their two forms: `0.03`, `1e-300`.
pub fn brief(x: f64) -> String {
    let (plain, scientific) = (x.to_string(), format!("{x:e}"));
    if plain.len() <= scientific.len().max(8) {
        plain
    } else {
        scientific
    }
}

/// [`short`], or a dash for what does not exist.
pub(super) fn short_or_dash(x: Option<f64>) -> String {
    x.map_or_else(|| "–".into(), short)
}

/// A change: signed, three significant digits, `+1.23e-4`.
pub(super) fn change(x: f64) -> String {
    if x == 0.0 {
        "0".into()
    } else {
        format!("{x:+.2e}")
    }
}

/// A share of one as a percentage, `97.2 %`.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// A count with its thousands apart, `1,797`.
pub fn count(n: impl Display) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A sentence's beginning.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|it| it.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// A count with its noun, `1 query`, `2 queries`.
pub fn plural(n: usize, noun: &str) -> String {
    match (n, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) => format!("{} {stem}ies", count(n)),
        (_, None) => format!("{} {noun}s", count(n)),
    }
}

/// `10` to an integer power, `10⁻³`.
pub(super) fn power_of_ten(exponent: i32) -> String {
    let superscript = |c| match c {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '0'..='9' => char::from_u32('⁰' as u32 + c as u32 - '0' as u32).unwrap_or(c),
        other => other,
    };
    format!(
        "10{}",
        exponent
            .to_string()
            .chars()
            .map(superscript)
            .collect::<String>()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_keeps_four_digits_and_no_needless_zeros() {
        let shown: Vec<String> = [
            0.001,
            1.5,
            0.98765,
            12345.6,
            123456.0,
            1.234e-4,
            -0.5,
            0.0,
            100.0,
            f64::NAN,
        ]
        .map(short)
        .into();
        assert_eq!(
            shown,
            [
                "0.001", "1.5", "0.9877", "12346", "1.23e5", "1.23e-4", "-0.5", "0", "100", "NaN"
            ]
        );
    }

    #[test]
    fn own_units_keep_their_digits() {
        let numbers = [
            40.27,
            1040.5,
            270.0,
            38.123456789,
            -0.0001234567,
            1234567.89,
            1e-300,
        ];
        assert_eq!(
            numbers.map(own),
            [
                "40.27",
                "1040.5",
                "270",
                "38.1235",
                "-1.2346e-4",
                "1234567.89",
                "1e-300"
            ]
        );
    }

    #[test]
    fn brief_loses_no_digit() {
        let numbers = [
            0.03,
            1e-300,
            1e39,
            270.0,
            0.00001,
            40.27,
            -0.001,
            123456.789,
            1.0,
            0.1 + 0.2,
        ];
        let shown = numbers.map(brief);
        assert_eq!(
            shown,
            [
                "0.03",
                "1e-300",
                "1e39",
                "270",
                "0.00001",
                "40.27",
                "-0.001",
                "123456.789",
                "1",
                "0.30000000000000004"
            ]
        );
        assert_eq!(shown.map(|it| it.parse::<f64>().ok()), numbers.map(Some));
    }

    #[test]
    fn the_other_forms() {
        assert_eq!(change(1.234e-4), "+1.23e-4");
        assert_eq!(change(-0.5), "-5.00e-1");
        assert_eq!(percent(0.972), "97.2 %");
        assert_eq!(
            [count(7), count(1797), count(1_234_567_u128)],
            ["7", "1,797", "1,234,567"]
        );
        assert_eq!([power_of_ten(-12), power_of_ten(30)], ["10⁻¹²", "10³⁰"]);
    }
}
