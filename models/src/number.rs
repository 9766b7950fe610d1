//! Numbers in messages.

/// All the digits that tell a number apart, in the shorter of their two forms: `0.03`, `1e-300`.
pub(crate) fn brief(x: f64) -> String {
    let (plain, scientific) = (x.to_string(), format!("{x:e}"));
    if plain.len() <= scientific.len().max(8) {
        plain
    } else {
        scientific
    }
}
