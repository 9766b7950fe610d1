//! Examples as a matrix of inputs with a target for each row.

use burn::tensor::{Int, Tensor, TensorCreationOptions, TensorData};

/// Examples: a matrix of inputs and a target for each row.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// Number of examples.
    pub rows: usize,
    /// Number of inputs of an example.
    pub columns: usize,
    /// The inputs, `rows * columns` of them, row by row. Tokens are whole numbers, which 32 bits hold exactly up
    /// to 2^24; [`tokens`](Self::tokens) gives them as integers.
    pub features: Vec<f32>,
    /// The targets of each row.
    pub targets: Targets,
    /// Where each example stood in its source, counted from 0: the data row of a CSV table, or the place in an
    /// IDX file.
    pub origin: Vec<usize>,
    /// What each example's loss is multiplied by; none for 1.
    pub weights: Option<Vec<f32>>,
}

/// What is to be predicted, example by example.
#[derive(Clone, Debug, PartialEq)]
pub enum Targets {
    /// Class indices from 0.
    Classes(Vec<i64>),
    /// Numbers.
    Values(Vec<f32>),
    /// For each example as many tokens as it has inputs: each input's next token.
    Tokens {
        /// Tokens of an example.
        length: usize,
        /// The tokens, example by example.
        ids: Vec<i64>,
    },
}

impl Targets {
    /// Number of examples.
    pub fn len(&self) -> usize {
        match self {
            Self::Classes(classes) => classes.len(),
            Self::Values(values) => values.len(),
            Self::Tokens { length, ids } => ids.len() / length,
        }
    }

    /// Whether there is no example.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Split {
    /// The inputs of one example.
    ///
    /// # Panics
    ///
    /// If there is no such row.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.features[row * self.columns..(row + 1) * self.columns]
    }

    /// The inputs `[rows, columns]`, on a device or with `(&device, dtype)` in a given type.
    pub fn inputs(&self, options: impl Into<TensorCreationOptions>) -> Tensor<2> {
        let data = TensorData::new(self.features.clone(), [self.rows, self.columns]);
        Tensor::from_data(data, options)
    }

    /// The inputs as token ids `[rows, columns]`.
    pub fn tokens(&self, options: impl Into<TensorCreationOptions>) -> Tensor<2, Int> {
        let ids: Vec<i64> = self.features.iter().map(|&id| id as i64).collect();
        Tensor::from_data(TensorData::new(ids, [self.rows, self.columns]), options)
    }

    /// The target tokens `[rows, length]`.
    ///
    /// # Panics
    ///
    /// If the targets are not tokens.
    pub fn next_tokens(&self, options: impl Into<TensorCreationOptions>) -> Tensor<2, Int> {
        match &self.targets {
            Targets::Tokens { length, ids } => {
                Tensor::from_data(TensorData::new(ids.clone(), [self.rows, *length]), options)
            }
            Targets::Classes(_) | Targets::Values(_) => panic!("these targets are not tokens"),
        }
    }

    /// The class indices `[rows]`.
    ///
    /// # Panics
    ///
    /// If the targets are numbers or tokens.
    pub fn classes(&self, options: impl Into<TensorCreationOptions>) -> Tensor<1, Int> {
        match &self.targets {
            Targets::Classes(classes) => {
                Tensor::from_data(TensorData::new(classes.clone(), [self.rows]), options)
            }
            Targets::Values(_) => panic!("these targets are numbers, not classes"),
            Targets::Tokens { .. } => panic!("these targets are tokens, many for each example"),
        }
    }

    /// The targets as numbers `[rows, 1]`; class indices become floats.
    ///
    /// # Panics
    ///
    /// If the targets are tokens.
    pub fn values(&self, options: impl Into<TensorCreationOptions>) -> Tensor<2> {
        let values = match &self.targets {
            Targets::Classes(classes) => classes.iter().map(|&class| class as f32).collect(),
            Targets::Values(values) => values.clone(),
            Targets::Tokens { .. } => panic!("these targets are tokens, many for each example"),
        };
        Tensor::from_data(TensorData::new(values, [self.rows, 1]), options)
    }

    /// The given rows, in the given order.
    ///
    /// # Panics
    ///
    /// If there is no such row.
    pub fn select(&self, rows: &[usize]) -> Self {
        Self {
            rows: rows.len(),
            columns: self.columns,
            features: rows
                .iter()
                .flat_map(|&row| self.row(row).iter().copied())
                .collect(),
            targets: match &self.targets {
                Targets::Classes(classes) => {
                    Targets::Classes(rows.iter().map(|&row| classes[row]).collect())
                }
                Targets::Values(values) => {
                    Targets::Values(rows.iter().map(|&row| values[row]).collect())
                }
                Targets::Tokens { length, ids } => Targets::Tokens {
                    length: *length,
                    ids: rows
                        .iter()
                        .flat_map(|&row| ids[row * length..(row + 1) * length].iter().copied())
                        .collect(),
                },
            },
            origin: rows.iter().map(|&row| self.origin[row]).collect(),
            weights: (self.weights.as_ref())
                .map(|weights| rows.iter().map(|&row| weights[row]).collect()),
        }
    }

    /// Every row but one.
    ///
    /// # Panics
    ///
    /// If there is no such row.
    pub fn without(&self, row: usize) -> Self {
        assert!(row < self.rows, "there is no row {row} of {}", self.rows);
        let rest: Vec<usize> = (0..self.rows).filter(|&other| other != row).collect();
        self.select(&rest)
    }
}
