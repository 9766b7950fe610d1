//! The strongest of many scores that come one after another, without holding all.

use std::{cmp::Ordering, collections::BinaryHeap};

/// The most positive scores and the most negative, of those that were seen so far: `2 count` at most are held.
///
/// ```
/// use backdraft_attribution::TopScores;
///
/// let mut top = TopScores::new(1);
/// top.extend([(0, 0.5), (1, -2.0), (2, 1.5)]);
/// assert_eq!(top.into_sides(), [vec![(2, 1.5)], vec![(1, -2.0)]]);
/// ```
#[derive(Clone, Debug)]
pub struct TopScores {
    count: usize,
    positive: BinaryHeap<Kept>,
    negative: BinaryHeap<Kept>,
}

/// A score by its distance from 0. The greatest of a heap is the first to be let go: the weakest, of equal ones the
/// last.
#[derive(Clone, Copy, Debug)]
struct Kept {
    index: usize,
    strength: f64,
}

impl Ord for Kept {
    fn cmp(&self, other: &Self) -> Ordering {
        let weaker = other.strength.total_cmp(&self.strength);
        weaker.then(self.index.cmp(&other.index))
    }
}

impl PartialOrd for Kept {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Kept {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Kept {}

impl TopScores {
    /// Of which `count` on each side are kept.
    pub fn new(count: usize) -> Self {
        Self {
            count,
            positive: BinaryHeap::new(),
            negative: BinaryHeap::new(),
        }
    }

    /// Looks at a score. One that is 0, or not a number, is on neither side.
    pub fn push(&mut self, index: usize, score: f64) {
        let side = match score {
            score if score > 0.0 => &mut self.positive,
            score if score < 0.0 => &mut self.negative,
            _ => return,
        };
        let strength = score.abs();
        let kept = Kept { index, strength };
        if side.len() < self.count {
            side.push(kept);
        } else if let Some(mut weakest) = side.peek_mut()
            && kept < *weakest
        {
            *weakest = kept;
        }
    }

    /// The most positive with their indices, the highest first, and the most negative, the lowest first; equal ones by
    /// index.
    pub fn into_sides(self) -> [Vec<(usize, f64)>; 2] {
        [(self.positive, 1.0), (self.negative, -1.0)].map(|(side, sign)| {
            let kept = side.into_sorted_vec().into_iter();
            kept.map(|it| (it.index, sign * it.strength)).collect()
        })
    }
}

impl Extend<(usize, f64)> for TopScores {
    fn extend<T: IntoIterator<Item = (usize, f64)>>(&mut self, scores: T) {
        for (index, score) in scores {
            self.push(index, score);
        }
    }
}
