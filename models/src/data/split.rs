use burn::tensor::{Int, Tensor, TensorCreationOptions, TensorData};

/// Examples: a matrix of inputs and one target for each row.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// Number of examples.
    pub rows: usize,
    /// Number of inputs of an example.
    pub columns: usize,
    /// The inputs, `rows * columns` of them, row by row.
    pub features: Vec<f32>,
    /// The targets, one for each row.
    pub targets: Targets,
    /// Where each example stood in its source, counted from 0: the data row of a CSV table, or the place in an
    /// IDX file.
    pub origin: Vec<usize>,
}

/// What is to be predicted, example by example.
#[derive(Clone, Debug, PartialEq)]
pub enum Targets {
    /// Class indices from 0.
    Classes(Vec<i64>),
    /// Numbers.
    Values(Vec<f32>),
}

impl Targets {
    /// Number of examples.
    pub fn len(&self) -> usize {
        match self {
            Self::Classes(classes) => classes.len(),
            Self::Values(values) => values.len(),
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

    /// The class indices `[rows]`.
    ///
    /// # Panics
    ///
    /// If the targets are numbers.
    pub fn classes(&self, options: impl Into<TensorCreationOptions>) -> Tensor<1, Int> {
        match &self.targets {
            Targets::Classes(classes) => {
                Tensor::from_data(TensorData::new(classes.clone(), [self.rows]), options)
            }
            Targets::Values(_) => panic!("these targets are numbers, not classes"),
        }
    }

    /// The targets as numbers `[rows, 1]`; class indices become floats.
    pub fn values(&self, options: impl Into<TensorCreationOptions>) -> Tensor<2> {
        let values = match &self.targets {
            Targets::Classes(classes) => classes.iter().map(|&class| class as f32).collect(),
            Targets::Values(values) => values.clone(),
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
            },
            origin: rows.iter().map(|&row| self.origin[row]).collect(),
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
