//! Training linear models again, in closed form or by Newton's method.

use backdraft_curvature::Model;
use backdraft_influence::closed::{
    ClosedFormError, DenseMatrix, DesignConfig, LeastSquaresFit, LogisticConfig,
};
use burn::tensor::{DType, Device, Tensor, TensorData};

use crate::{Retrain, RetrainError};

/// Training of a linear model to its minimum: logistic regression by Newton's method, least squares by a factorisation,
/// in f64 on the host, whatever the seed. Some milliseconds for hundreds of examples, where many coalitions are to be
/// trained on.
///
/// It minimises the *sum* of the losses of the examples of weight 1 plus `ridge/2 ||theta||^2`: with `ridge = N l2`
/// what [`Minimize`](crate::Minimize) does of a cost of `N` examples with an `l2`. Weights are 0 or 1. Parameters are
/// those of one linear layer, weights `[inputs, outputs]` and then the bias, as Burn's `Linear` has them. Without
/// examples they are 0, the minimum of the ridge alone.
#[derive(Clone, Debug)]
pub struct LinearRetrain {
    inputs: DenseMatrix,
    targets: LinearTargets,
    dim: usize,
    place: (Device, DType),
}

#[derive(Clone, Debug)]
enum LinearTargets {
    Classes(LogisticConfig, Vec<usize>),
    Numbers(DesignConfig, Vec<f64>),
}

impl LinearRetrain {
    /// Logistic regression of `classes`, one a row of `inputs`, `[N, inputs]`; its parameters are for `model`, a linear
    /// layer.
    ///
    /// # Errors
    /// [`RetrainError::Setting`] for another number of classes than of inputs, and a design without a ridge or an
    /// intercept; [`RetrainError::Dimension`] for a model of another number of parameters.
    pub fn logistic(
        config: LogisticConfig,
        inputs: DenseMatrix,
        classes: Vec<usize>,
        model: &Model,
    ) -> Result<Self, RetrainError> {
        check(&inputs, classes.len())?;
        let outputs = config.outputs;
        let targets = LinearTargets::Classes(config, classes);
        Self::new(inputs, targets, config.design, outputs, model)
    }

    /// Least squares of `targets`, one a row of `inputs`, `[N, inputs]`; its parameters are for `model`, a linear layer
    /// with one output.
    ///
    /// # Errors
    /// As [`logistic`](Self::logistic).
    pub fn least_squares(
        design: DesignConfig,
        inputs: DenseMatrix,
        targets: Vec<f64>,
        model: &Model,
    ) -> Result<Self, RetrainError> {
        check(&inputs, targets.len())?;
        let targets = LinearTargets::Numbers(design, targets);
        Self::new(inputs, targets, design, 1, model)
    }

    fn new(
        inputs: DenseMatrix,
        targets: LinearTargets,
        design: DesignConfig,
        outputs: usize,
        model: &Model,
    ) -> Result<Self, RetrainError> {
        // Few examples settle nothing by themselves.
        let held = design.ridge > 0.0 && (design.penalise_intercept || !design.intercept);
        if !held {
            return Err(RetrainError::Setting {
                name: "ridge",
                problem:
                    "must be positive, on the intercept too: a few examples leave coefficients open"
                        .into(),
            });
        }
        let expected = (inputs.columns() + usize::from(design.intercept)) * outputs;
        let found = model.dim();
        if expected != found {
            return Err(RetrainError::Dimension { expected, found });
        }
        Ok(Self {
            inputs,
            targets,
            dim: found,
            place: (model.device().clone(), model.dtype()),
        })
    }

    fn fit(&self, chosen: &[usize]) -> Result<Vec<f64>, ClosedFormError> {
        if chosen.is_empty() {
            return Ok(vec![0.0; self.dim]);
        }
        let inputs = self.inputs.pick(chosen);
        Ok(match &self.targets {
            LinearTargets::Classes(config, classes) => {
                let classes: Vec<usize> = chosen.iter().map(|&i| classes[i]).collect();
                config.fit(&inputs, &classes)?.parameters().to_vec()
            }
            LinearTargets::Numbers(design, targets) => {
                let targets: Vec<f64> = chosen.iter().map(|&i| targets[i]).collect();
                let fit = LeastSquaresFit::new(&inputs, &targets, *design)?;
                fit.parameters().to_vec()
            }
        })
    }
}

impl Retrain for LinearRetrain {
    fn retrain(&self, weights: &[f64], _seed: u64) -> Result<Tensor<1>, RetrainError> {
        let examples = self.inputs.rows();
        if weights.len() != examples || weights.iter().any(|it| *it != 0.0 && *it != 1.0) {
            return Err(RetrainError::Setting {
                name: "weights",
                problem: format!(
                    "are {} for {examples} examples; they must be as many, each 0 or 1",
                    weights.len()
                ),
            });
        }
        let chosen: Vec<usize> = (0..examples).filter(|&i| weights[i] == 1.0).collect();
        let parameters = self.fit(&chosen).map_err(RetrainError::of)?;
        let data = TensorData::new(parameters, [self.dim]);
        Ok(Tensor::from_data(data, (&self.place.0, self.place.1)))
    }

    fn settings(&self) -> String {
        match &self.targets {
            LinearTargets::Classes(config, _) => format!("{config:?}"),
            LinearTargets::Numbers(design, _) => format!("{design:?}"),
        }
    }
}

fn check(inputs: &DenseMatrix, targets: usize) -> Result<(), RetrainError> {
    match inputs.rows() == targets {
        true => Ok(()),
        false => Err(RetrainError::Setting {
            name: "targets",
            problem: format!("are {targets} for {} examples", inputs.rows()),
        }),
    }
}
