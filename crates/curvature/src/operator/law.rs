//! What an operator knows of itself.

/// What is known of an operator without a product. Solvers' errors say with it what is wrong and what helps.
#[derive(Clone, Debug, PartialEq)]
pub struct Law {
    /// What it is called, such as `the Gauss-Newton matrix`.
    pub name: String,
    /// Whether it has negative eigenvalues.
    pub definiteness: Definiteness,
    /// What is added to all eigenvalues.
    pub damping: f64,
}

/// Whether a matrix has negative eigenvalues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Definiteness {
    /// By construction there is none.
    Semidefinite,
    /// There may be, and this can be used instead.
    Indefinite {
        /// What to use, in words.
        instead: &'static str,
    },
    /// Nothing is known.
    Unknown,
}

impl Law {
    /// Of an operator that says nothing of itself.
    pub fn unknown() -> Self {
        Self {
            name: "the matrix".into(),
            definiteness: Definiteness::Unknown,
            damping: 0.0,
        }
    }
}
