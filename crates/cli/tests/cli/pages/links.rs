//! Links between pages lead to files and headings that are there.

use std::{collections::HashMap, fs, path::Path};

use super::{blocks, pages, root};
use crate::place::Outcome;

/// The name by which a heading is linked, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let letters = heading.trim().to_lowercase();
    let kept = letters.chars().filter_map(|it| match it {
        ' ' => Some('-'),
        '-' | '_' => Some(it),
        it => it.is_alphanumeric().then_some(it),
    });
    kept.collect()
}

/// All anchors of a page; the second of a name ends with `-1`.
fn anchors(page: &str) -> Vec<String> {
    let mut seen = HashMap::new();
    let (_, prose) = blocks(page);
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|heading| {
            let name = anchor(heading.trim_start_matches('#'));
            let times = seen.entry(name.clone()).or_insert(0);
            *times += 1;
            match *times {
                1 => name,
                more => format!("{name}-{}", more - 1),
            }
        })
        .collect()
}

/// Where the links of a page lead.
fn targets(page: &str) -> Vec<String> {
    let (_, prose) = blocks(page);
    // What stands between backticks is code.
    let prose: String = prose.split('`').step_by(2).collect();
    let rest = prose.split("](").skip(1);
    rest.filter_map(|it| it.split_once(')').map(|(target, _)| target.to_owned()))
        .collect()
}

/// What is wrong with a link from `page`, if anything is.
fn problem(page: &Path, target: &str) -> Option<String> {
    if target.contains("://") {
        return None;
    }
    let (file, heading) = match target.split_once('#') {
        Some((file, heading)) => (file, Some(heading)),
        None => (target, None),
    };
    let path = match file {
        "" => root().join(page),
        file => root().join(page).parent()?.join(file),
    };
    let broken = |why: &str| Some(format!("{}: {target} {why}", page.display()));
    if !path.exists() {
        return broken("leads nowhere");
    }
    let heading = heading?;
    match fs::read_to_string(&path) {
        Ok(text) if anchors(&text).iter().any(|it| it == heading) => None,
        Ok(_) => broken("names a heading that is not there"),
        Err(error) => broken(&error.to_string()),
    }
}

#[test]
fn links_between_pages_lead_somewhere() -> Outcome {
    let (mut broken, mut count) = (Vec::new(), 0);
    for page in pages()? {
        let text = fs::read_to_string(root().join(&page))?;
        for target in targets(&text) {
            count += 1;
            broken.extend(problem(&page, &target));
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(count > 50, "{count} links were found");
    Ok(())
}

#[test]
fn broken_links_are_seen() {
    let page = Path::new("docs/results.md");
    let found =
        targets("see [a\nb](gone.md), `[code](no.md)`\n```text\n[x](y)\n```\nand [c](#forgetting)");
    assert_eq!(found, ["gone.md", "#forgetting"]);
    assert!(problem(page, "gone.md").is_some());
    assert!(problem(page, "solves.md#nothing-of-that-name").is_some());
    for good in ["#forgetting", "../README.md#install", "https://example.org"] {
        assert_eq!(problem(page, good), None);
    }
    let text = "# A `b` & c-d, e\n## Same\n## Same\n";
    assert_eq!(anchors(text), ["a-b--c-d-e", "same", "same-1"]);
}
