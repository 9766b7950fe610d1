//! Reports as markup.

use std::error::Error;

/// Opening and closing tags of a page in order, `(name, attributes)` of the opening ones.
pub fn tags(page: &str) -> Result<Vec<(&str, &str)>, Box<dyn Error>> {
    const VOID: [&str; 7] = [
        "img", "meta", "line", "circle", "polyline", "polygon", "rect",
    ];
    let mut open = Vec::new();
    let mut seen = Vec::new();
    let mut rest = page.strip_prefix("<!DOCTYPE html>").ok_or("no doctype")?;
    while let Some(start) = rest.find('<') {
        let end = start + rest[start..].find('>').ok_or("a tag without an end")?;
        let tag = rest[start + 1..end].trim_end_matches('/');
        rest = &rest[end + 1..];
        if let Some(closed) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed), "closed out of order");
        } else {
            let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
            seen.push((name, attributes));
            if !VOID.contains(&name) {
                open.push(name);
            }
        }
    }
    assert_eq!(open, Vec::<&str>::new(), "left open");
    Ok(seen)
}

/// That a page is whole, and shows all that it shows without any other file.
pub fn check(page: &str) -> Result<(), Box<dyn Error>> {
    let tags = tags(page)?;
    for once in ["html", "head", "title", "style", "body", "main", "h1"] {
        assert_eq!(
            tags.iter().filter(|(name, _)| *name == once).count(),
            1,
            "{once}"
        );
    }
    for banned in ["script", "link", "iframe", "object", "embed", "a"] {
        assert!(tags.iter().all(|(name, _)| *name != banned), "{banned}");
    }
    // No address at all: neither loads, nor links, nor namespaces.
    assert!(!page.contains("://"), "an address");
    assert!(
        !page.contains("url(") && !page.contains("@import"),
        "the style loads"
    );
    assert!(page.contains("default-src 'none'") || page.contains("default-src &#39;none&#39;"));
    for (name, attributes) in tags {
        assert!(!attributes.contains("href="), "{name} {attributes}");
        if let Some((_, source)) = attributes.split_once("src=\"") {
            assert!(
                source.starts_with("data:image/png;base64,"),
                "{name} {source}"
            );
        }
    }
    Ok(())
}
