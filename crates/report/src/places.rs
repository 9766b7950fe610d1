//! Places of examples as columns of numbers.

use std::collections::HashMap;

use super::{At, Place};

/// What the source calls the examples of some places; none if it has no names for them.
pub(super) fn ids<'a>(places: impl IntoIterator<Item = &'a Place>) -> Option<Vec<&'a str>> {
    let ids: Option<Vec<&str>> = places
        .into_iter()
        .map(|place| place.id.as_deref())
        .collect();
    ids.filter(|ids| !ids.is_empty())
}

/// The files that are named, each once.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// In the order in which they were first met.
    pub names: Vec<String>,
    numbers: HashMap<String, i64>,
}

impl Files {
    /// Columns of 64-bit integers, as bytes: `file`, the file's number in the list, and under the name of what is
    /// counted the place in it.
    pub fn columns<'a>(
        &mut self,
        places: impl IntoIterator<Item = &'a Place> + Clone,
    ) -> Vec<(&'static str, Vec<u8>)> {
        let mut all = places.clone().into_iter();
        let unit = all.find_map(|place| place.at.map(At::name));
        let (mut files, mut numbers) = (Vec::new(), Vec::new());
        for place in places {
            files.extend(self.number(&place.file).to_le_bytes());
            let number = place.at.map_or(-1, |at| at.number() as i64);
            numbers.extend(number.to_le_bytes());
        }
        let numbers = unit.map(|unit| (unit, numbers));
        std::iter::once(("file", files)).chain(numbers).collect()
    }

    fn number(&mut self, file: &str) -> i64 {
        if let Some(&number) = self.numbers.get(file) {
            return number;
        }
        let number = self.names.len() as i64;
        self.names.push(file.to_owned());
        self.numbers.insert(file.to_owned(), number);
        number
    }
}
