//! Which examples of a least squares fit stand out.

use super::{ClosedFormError, LeastSquaresFit, design::dot};

/// Residuals in units of their own scatter, and how far each example moves the fit (Cook & Weisberg 1982, Sections 2.2
/// and 3.5; Belsley, Kuh & Welsch 1980). `None` stands for an example that is fitted by itself alone, whose residual is
/// zero whatever its target is; or, where the scatter without an example is asked for, for one without which there is
/// none.
///
/// With a ridge, `P` is the hat matrix of ridge regression, a residual's variance is that of `(I - P) noise`, and
/// parameters are counted by the trace of `P` (Walker & Birch 1988); without, all reduce to the textbook's.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostics {
    /// The parameters that the data settle, the trace of `P`.
    pub effective_parameters: f64,
    /// The noise's standard deviation `s`: `s^2` is the sum of squared residuals over `N - effective_parameters`.
    pub scale: f64,
    /// Residuals over their standard deviation by `s`: *internally* studentised.
    pub standardized: Vec<Option<f64>>,
    /// The same, by the scale of the fit without the example: *externally* studentised. Without a ridge they follow
    /// Student's distribution with `N - parameters - 1` degrees of freedom.
    pub studentized: Vec<Option<f64>>,
    /// Cook's distance: how far the example's removal moves all fitted values, squared, over `s^2
    /// effective_parameters`.
    pub cook: Vec<Option<f64>>,
    /// DFFITS: how far it moves the example's own fitted value, in units of that one's standard deviation by the scale
    /// without the example.
    pub dffits: Vec<Option<f64>>,
}

impl LeastSquaresFit {
    /// The fit's [`Diagnostics`].
    ///
    /// # Errors
    /// [`ClosedFormError::NoFreedom`] with no more examples than parameters; [`ClosedFormError::ExactFit`] where all
    /// residuals are zero up to rounding.
    pub fn diagnostics(&self) -> Result<Diagnostics, ClosedFormError> {
        let (count, leverage) = (self.len() as f64, &self.leverage);
        let effective: f64 = leverage.iter().sum();
        // A trace that is the number of examples up to rounding leaves nothing.
        if count - effective < 1e-9 * count {
            return Err(ClosedFormError::NoFreedom {
                examples: self.len(),
                parameters: effective,
            });
        }
        let squares = dot(&self.residuals, &self.residuals);
        let rounding = 8.0 * f64::EPSILON * count;
        if squares <= rounding * rounding * dot(&self.targets, &self.targets) {
            return Err(ClosedFormError::ExactFit);
        }
        let variance = squares / (count - effective);
        let mut found = Diagnostics {
            effective_parameters: effective,
            scale: variance.sqrt(),
            standardized: Vec::new(),
            studentized: Vec::new(),
            cook: Vec::new(),
            dffits: Vec::new(),
        };
        // `X' e`, which is zero without a ridge.
        let pulled = self.design.pull_back(&self.residuals);
        for (i, deleted) in self.deleted_residuals().into_iter().enumerate() {
            let one = deleted.map(|deleted| Deletion::new(self, i, deleted, &pulled));
            let without = one.as_ref().and_then(|it| {
                let left = count - 1.0 - it.effective(effective);
                let square = squares + it.squares;
                (left > 1e-9 * count && square > rounding * squares).then(|| square / left)
            });
            let by = |square: f64, of: fn(&Deletion) -> f64| {
                one.as_ref().map(|it| of(it) / square.sqrt())
            };
            found
                .standardized
                .push(by(variance, Deletion::standardized));
            found
                .studentized
                .push(without.and_then(|it| by(it, Deletion::standardized)));
            found
                .dffits
                .push(without.and_then(|it| by(it, Deletion::fitted)));
            let cook = one.map(|it| it.moved / (variance * effective));
            found.cook.push(cook);
        }
        Ok(found)
    }
}

/// What goes with one example.
struct Deletion {
    residual: f64,
    leverage: f64,
    /// The sum of the squares of a row of `P`, which is `P_ii` without a ridge.
    row: f64,
    /// The squared change of all fitted values.
    moved: f64,
    /// The change of the sum of squares over the others, less the example's own square.
    squares: f64,
}

impl Deletion {
    fn new(fit: &LeastSquaresFit, index: usize, deleted: f64, pulled: &[f64]) -> Self {
        let mut solved = fit.design.rows.row(index).to_vec();
        fit.factor.solve(&mut solved);
        let outputs = fit.design.outputs(&solved);
        let row = dot(&outputs, &outputs);
        // The others' residuals become `e_j + P_ji e_i / (1 - P_ii)`, the example's own `e_i / (1 - P_ii)`.
        let along = dot(&solved, pulled);
        Self {
            residual: fit.residuals[index],
            leverage: fit.leverage[index],
            row,
            moved: deleted * deleted * row,
            squares: 2.0 * deleted * along + deleted * deleted * (row - 1.0),
        }
    }

    /// The trace of the hat matrix of the fit without the example, from that with it.
    fn effective(&self, all: f64) -> f64 {
        all - (self.leverage - self.row) / (1.0 - self.leverage)
    }

    /// The residual over its standard deviation in units of the noise's.
    fn standardized(&self) -> f64 {
        let variance = 1.0 - 2.0 * self.leverage + self.row;
        self.residual / variance.sqrt()
    }

    /// The change of the own fitted value over its standard deviation in units of the noise's.
    fn fitted(&self) -> f64 {
        let change = self.residual * self.leverage / (1.0 - self.leverage);
        match self.row > 0.0 {
            true => change / self.row.sqrt(),
            // A row of zeros, which no coefficient moves.
            false => 0.0,
        }
    }
}
