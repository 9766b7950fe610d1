//! Commands that the documentation and the help give are understood, and name files that are there.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::{CommandFactory, Parser, error::ErrorKind};

use super::Args;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn understood(line: &str) {
    let words = line.split_whitespace();
    let words = words.take_while(|it| ![">", "|", "&&", ">>"].contains(it));
    match Args::try_parse_from(words) {
        Err(error) if error.kind() != ErrorKind::DisplayHelp => panic!("{line}: {error}"),
        _ => {}
    }
}

/// Commands of the blocks for a terminal.
fn blocks(page: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let page = page.replace("\\\n", " ");
    let opened = page.split("\n```").skip(1).step_by(2);
    for block in opened {
        let (language, text) = block.split_once('\n').unwrap_or_default();
        if ["console", "sh"].contains(&language) {
            lines.extend(text.lines().map(String::from));
        }
    }
    lines
}

/// Commands between backticks in tables, which readers copy as well.
fn cells(page: &str) -> Vec<String> {
    let rows = page.lines().filter(|line| line.starts_with('|'));
    let spans = rows.flat_map(|row| row.split('`').skip(1).step_by(2));
    spans
        .filter(|it| it.starts_with("backdraft "))
        .map(String::from)
        .collect()
}

#[test]
fn commands_of_the_pages_are_understood_and_name_what_is_there() -> std::io::Result<()> {
    let root = root();
    let mut pages = vec![root.join("README.md")];
    for entry in fs::read_dir(root.join("docs"))? {
        let path = entry?.path();
        pages.extend(
            path.extension()
                .is_some_and(|it| it == "md")
                .then_some(path),
        );
    }
    let mut count = 0;
    for path in pages {
        let page = fs::read_to_string(&path)?;
        let mut lines = blocks(&page);
        lines.extend(cells(&page));
        for line in &lines {
            for part in line.split("&&").map(str::trim) {
                let arguments = match part.split_once(" -- ") {
                    Some((cargo, arguments)) if cargo.starts_with("cargo run ") => Some(arguments),
                    _ => part.strip_prefix("backdraft "),
                };
                if let Some(arguments) = arguments {
                    understood(&format!("backdraft {arguments}"));
                    count += 1;
                }
            }
            let files = line.split_whitespace();
            for file in files.filter(|it| it.starts_with("models/") || it.starts_with("crates/")) {
                assert!(root.join(file).exists(), "{line}: there is no {file}");
            }
        }
    }
    assert!(count > 60, "{count} commands were found");
    Ok(())
}

#[test]
fn examples_of_the_help_are_understood() {
    let mut count = 0;
    for command in Args::command().get_subcommands() {
        let Some(help) = command.get_after_help() else {
            continue;
        };
        let help = help.to_string();
        let examples = help.lines().map(str::trim);
        for line in examples.filter(|line| line.starts_with("backdraft ")) {
            understood(line);
            count += 1;
        }
    }
    assert!(count > 10, "{count} examples were found");
}
