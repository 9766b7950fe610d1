//! Means and co-moments of draws, one draw at a time.

/// The means of losses and of what is measured over some draws, and the sums of products of their deviations from them
/// (Welford 1962; Chan, Golub & LeVeque 1983): no draw is held.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CoMoments {
    /// Draws.
    pub count: usize,
    /// The mean loss of each example, `[N]`; empty without a draw.
    pub losses: Vec<f64>,
    /// The mean of each row that is measured, `[rows]`.
    pub measured: Vec<f64>,
    /// `sum over draws of (m - mean m) (L_i - mean L_i)`, `[rows, N]`, row by row.
    pub products: Vec<f64>,
}

impl CoMoments {
    /// Takes a draw: the loss of each example, and what is measured.
    ///
    /// # Panics
    /// If there are not as many as in the draws before.
    pub fn add(&mut self, losses: &[f64], measured: &[f64]) {
        if self.count == 0 {
            self.losses = vec![0.0; losses.len()];
            self.measured = vec![0.0; measured.len()];
            self.products = vec![0.0; losses.len() * measured.len()];
        }
        let lengths = (self.losses.len(), self.measured.len());
        assert_eq!(lengths, (losses.len(), measured.len()), "numbers of a draw");
        self.count += 1;
        let share = 1.0 / self.count as f64;
        for (mean, loss) in self.losses.iter_mut().zip(losses) {
            *mean += share * (loss - *mean);
        }
        let rows = self.products.chunks_exact_mut(losses.len().max(1));
        for ((row, mean), value) in rows.zip(&mut self.measured).zip(measured) {
            // From the mean before on one side and the mean after on the other.
            let before = value - *mean;
            *mean += share * before;
            for ((product, loss), mean) in row.iter_mut().zip(losses).zip(&self.losses) {
                *product += before * (loss - mean);
            }
        }
    }

    /// Takes the draws of `other` too.
    ///
    /// # Panics
    /// If they are of other numbers of examples or rows.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            self.clone_from(other);
            return;
        }
        let lengths = |it: &Self| (it.losses.len(), it.measured.len());
        assert_eq!(lengths(self), lengths(other), "numbers of a draw");
        let (a, b) = (self.count as f64, other.count as f64);
        let (share, weight) = (b / (a + b), a * b / (a + b));
        let examples = self.losses.len().max(1);
        let others = other.products.chunks_exact(examples);
        let rows = self.products.chunks_exact_mut(examples).zip(others);
        for ((row, theirs), (mine, m)) in rows.zip(self.measured.iter().zip(&other.measured)) {
            let apart = weight * (m - mine);
            let means = self.losses.iter().zip(&other.losses);
            for ((product, theirs), (mine, loss)) in row.iter_mut().zip(theirs).zip(means) {
                *product += theirs + apart * (loss - mine);
            }
        }
        let pairs = self.losses.iter_mut().zip(&other.losses);
        for (mine, theirs) in pairs.chain(self.measured.iter_mut().zip(&other.measured)) {
            *mine += share * (theirs - *mine);
        }
        self.count += other.count;
    }

    /// What these draws are of the sums of products of deviations from the means of `all`, row by row.
    pub(super) fn products_about<'a>(&'a self, all: &'a Self) -> impl Iterator<Item = f64> + 'a {
        let (count, examples) = (self.count as f64, self.losses.len());
        self.products
            .iter()
            .enumerate()
            .map(move |(place, product)| {
                let (row, example) = (place / examples, place % examples);
                let apart = self.measured[row] - all.measured[row];
                product + count * apart * (self.losses[example] - all.losses[example])
            })
    }
}
