//! The documentation: links lead somewhere, and what it tells readers to run runs.

mod links;
#[cfg(unix)]
mod runs;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The folder of the clone.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// All pages, by their paths in the clone.
fn pages() -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for folder in ["", "docs", "models/data", "crates/program", "python"] {
        let Ok(entries) = fs::read_dir(root().join(folder)) else {
            continue;
        };
        for entry in entries {
            let name = PathBuf::from(entry?.file_name());
            let is_page = name.extension().is_some_and(|it| it == "md");
            found.extend(is_page.then(|| Path::new(folder).join(name)));
        }
    }
    found.sort();
    assert!(found.len() > 15, "{found:?}");
    Ok(found)
}

/// A page's fenced blocks: language and text. What is left is the page without them.
fn blocks(page: &str) -> (Vec<(String, String)>, String) {
    let (mut found, mut prose) = (Vec::new(), String::new());
    let mut open: Option<(String, String)> = None;
    for line in page.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(language)) => open = Some((language.to_owned(), String::new())),
            (None, None) => prose += &format!("{line}\n"),
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some((_, text)), None) => *text += &format!("{line}\n"),
        }
    }
    assert_eq!(open, None, "a block is not closed");
    (found, prose)
}
