//! A user's data in messages: shortened, and without what a terminal would obey.

use std::fmt::Display;
use std::path::Path;

/// Characters of a text that a message has at most, and of a path or a reason.
const TEXT: usize = 80;
const LONG: usize = 400;
/// Texts of a list that a message names.
const LIST: usize = 20;

/// A text of the user's: control characters and what changes the direction of writing are escaped, and of more than 80
/// characters the first 60 are left, with the number of all.
///
/// ```
/// use backdraft_models::quote;
///
/// assert_eq!(quote::text("naïve"), "naïve");
/// assert_eq!(quote::text("two\nlines"), r"two\nlines");
/// assert_eq!(quote::text("\u{1b}[31mred"), r"\u{1b}[31mred");
/// assert!(quote::text(&"a".repeat(70_000)).ends_with("aaa.. (70000 characters)"));
/// ```
pub fn text(text: &str) -> String {
    shortened(text, TEXT)
}

/// Texts with commas between them; of more than 20 the first ones, with the number of the others.
pub fn list<S: AsRef<str>>(texts: &[S]) -> String {
    some(texts.iter().map(|it| text(it.as_ref())))
}

/// Words with commas between them, as [`list`], but as they are.
pub fn some(words: impl ExactSizeIterator<Item = String>) -> String {
    let others = words.len().saturating_sub(LIST);
    let shown = words.take(LIST).collect::<Vec<_>>().join(", ");
    match others {
        0 => shown,
        _ => format!("{shown} and {others} more"),
    }
}

/// A path, so that it can be told from others in a message.
pub fn path(path: &Path) -> String {
    shortened(&path.to_string_lossy(), LONG)
}

/// What somebody else says of a user's data.
pub fn reason(reason: impl Display) -> String {
    shortened(&reason.to_string(), LONG)
}

/// Several lines of our own with a user's data in them: only what a terminal would obey is escaped, but for ends of
/// lines.
pub fn lines(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    text.chars().for_each(|character| match character {
        '\n' => escaped.push('\n'),
        other => push(&mut escaped, other),
    });
    escaped
}

fn shortened(text: &str, limit: usize) -> String {
    let count = text.chars().count();
    let kept = match count > limit {
        true => limit * 3 / 4,
        false => count,
    };
    let mut shown = String::new();
    text.chars()
        .take(kept)
        .for_each(|character| push(&mut shown, character));
    if kept < count {
        shown.push_str(&format!(".. ({count} characters)"));
    }
    shown
}

fn push(shown: &mut String, character: char) {
    match character {
        '\n' | '\r' | '\t' => shown.extend(character.escape_default()),
        _ if is_obeyed(character) => shown.extend(character.escape_unicode()),
        _ => shown.push(character),
    }
}

/// Whether a terminal acts on a character instead of showing it: control characters, and those that end lines, take no
/// room or change the direction.
fn is_obeyed(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
        )
}
