//! Several devices of one kind: `--devices`.

use std::str::FromStr;

use burn::tensor::Device;

use super::{DeviceName, Opened, describe, is_card};
use crate::CliError;

const OPTION: &str = "--devices";

/// Which devices of a kind: all, or those of these places in the list of `backdraft devices`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DeviceList {
    All,
    Of(Vec<usize>),
}

impl FromStr for DeviceList {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str =
            "it must be all, or places counted from 0 in the list of `backdraft devices`: 0,1,3";
        if text.trim() == "all" {
            return Ok(Self::All);
        }
        let places = text.split(',').map(|it| it.trim().parse::<usize>());
        let places = places.collect::<Result<_, _>>();
        places.map(Self::Of).map_err(|_| WRONG)
    }
}

impl DeviceName {
    /// The devices of this kind that `list` names, each once; processors as often as they are named.
    ///
    /// # Errors
    /// [`CliError::Device`] if there is none of the kind; [`CliError::Option`] for one that is not there, or a card named
    /// twice.
    pub fn open_several(self, list: &DeviceList) -> Result<Opened, CliError> {
        let (name, found) = self.available()?;
        let all: Vec<(usize, Device)> = found.into_iter().enumerate().collect();
        let chosen = match list {
            DeviceList::Of(places) => named(name, &all, places)?,
            DeviceList::All => {
                // A program that plays a card beside real ones would be what all wait for.
                let cards = all.iter().filter(|(_, device)| is_card(device));
                let cards: Vec<_> = cards.cloned().collect();
                if cards.is_empty() { all } else { cards }
            }
        };
        Ok(Opened::of(name, chosen))
    }
}

fn named(
    name: DeviceName,
    all: &[(usize, Device)],
    places: &[usize],
) -> Result<Vec<(usize, Device)>, CliError> {
    let refuse = |problem| CliError::Option {
        option: OPTION,
        problem,
    };
    let mut chosen: Vec<(usize, Device)> = Vec::new();
    for &place in places {
        let Some(device) = all.get(place) else {
            let there = all.iter();
            let there = there.map(|(place, it)| format!("{place} ({})", describe(it)));
            return Err(refuse(format!(
                "names {place}, and of {} there are here {}",
                name.name(),
                there.collect::<Vec<_>>().join(", ")
            )));
        };
        if !name.is_processor() && chosen.iter().any(|(known, _)| *known == place) {
            return Err(refuse(format!(
                "names {place} twice: a card computes for one thread"
            )));
        }
        chosen.push(device.clone());
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read() {
        let read = |text: &str| text.parse::<DeviceList>();
        assert_eq!(read("all"), Ok(DeviceList::All));
        assert_eq!(read("0,1, 3"), Ok(DeviceList::Of(vec![0, 1, 3])));
        for wrong in ["", "0,", "-1", "0-3", "all,0", "cuda"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
