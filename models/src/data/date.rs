//! Texts that are dates, times, or numbers written with a comma.

use std::sync::LazyLock;

use regex::Regex;

/// Forms of dates and times: ISO 8601, day or month first, names of months, times alone.
static DATES: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let time = r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[ap]m)?";
    let zone = r" ?(z|utc|[+-]\d{2}:?\d{2})?";
    let month = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?";
    [
        format!(r"(?i)^\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}([t ]{time}{zone})?$"),
        format!(r"(?i)^\d{{1,2}}[-/.]\d{{1,2}}[-/.]\d{{4}}(,? {time}{zone})?$"),
        format!(r"(?i)^\d{{1,2}}/\d{{1,2}}/\d{{2}}(,? {time}{zone})?$"),
        format!(r"(?i)^\d{{1,2}}\.?[ -]{month}[ -]\d{{2,4}}(,? {time}{zone})?$"),
        format!(r"(?i)^{month} \d{{1,2}},? \d{{4}}(,? {time}{zone})?$"),
        format!(r"(?i)^{time}$"),
    ]
    .iter()
    .filter_map(|form| Regex::new(form).ok())
    .collect()
});

/// Whether a text looks like a date or a time.
pub(crate) fn is_date(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && DATES.iter().any(|form| form.is_match(text))
}

/// Whether a text is digits with commas between them, as `3,14` and `1.234,5` are.
pub(crate) fn has_decimal_comma(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_digit = |it: Option<char>| it.is_some_and(|it| it.is_ascii_digit());
    digits.contains(',')
        && digits
            .chars()
            .all(|it| it.is_ascii_digit() || ",.".contains(it))
        && is_digit(digits.chars().next())
        && is_digit(digits.chars().next_back())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_told_from_other_texts() {
        let dates = [
            "2020-01-31",
            "2020-01-31T10:00:00Z",
            "2020-01-31 10:00:00.5 +01:00",
            "31/01/2020",
            "1/31/20",
            "31.01.2020",
            "31 Jan 2020",
            "31-Jan-20",
            "January 31, 2020",
            "12:30",
            "9:05 AM",
        ];
        assert_eq!(DATES.len(), 6);
        for text in dates {
            assert!(is_date(text), "{text}");
        }
        for text in [
            "1.2.3",
            "20-30",
            "10-1",
            "Mayor 3, 2020x",
            "a",
            "192.168.0.1",
            "",
        ] {
            assert!(!is_date(text), "{text}");
        }
        for text in ["3,14", "-0,5", "1.234,56", "1,234"] {
            assert!(has_decimal_comma(text), "{text}");
        }
        for text in ["3.14", "a,b", ",5", "5,", "1, 2"] {
            assert!(!has_decimal_comma(text), "{text}");
        }
    }
}
