//! How systems of the damped curvature are solved.

use backdraft::SolverConfig;
use backdraft_influence::{
    DiagonalConfig, DirectConfig, DualConfig, KfacConfig, LanczosConfig, NystroemConfig,
    Preconditioner,
};
use backdraft_models::{ZooConfig, computes_in_f64};
use backdraft_report::{Float, brief};
use burn::tensor::DType;
use clap::{Args, ValueEnum};

use super::{
    number::{check_fits, count, positive, residual},
    preconditioner::{PreconditionerName, Rank, diagonal, krylov, layers, sketch},
};
use crate::{CliError, device::Opened, mixed_precision::ProductsIn};

/// The solver of `(G + damping I) s = gradient`, and in which numbers it works.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct SolverArgs {
    /// How `(G + damping I) s = gradient` is solved. Default: cg; in experiments lissa, as in the paper, but for
    /// mislabel, which solves once for each example, cg.
    #[arg(id = "solver", long = "solver", value_name = "SOLVER", value_enum)]
    pub name: Option<SolverName>,

    /// The relative residual at which `(G + damping I) s = gradient` counts as solved. Default: for cg 1e-5, in f64
    /// 1e-10, with products in 16 bits and for mislabel 0.01; for direct and dual 0.001, in f64 1e-8; for lissa 0.1,
    /// which in experiments decides its depth. Approximations are taken as they are, and their residual is told.
    #[arg(long, value_name = "RESIDUAL", value_parser = residual, allow_hyphen_values = true)]
    pub tolerance: Option<f64>,

    /// What stands in for the inverse of the matrix in conjugate gradients: it changes how many products are needed,
    /// never what the solution is. Default: none, which is best for many queries, since these are solved as one block.
    #[arg(long, value_name = "PRECONDITIONER", value_enum)]
    pub preconditioner: Option<PreconditionerName>,

    /// Eigenvalues that nystroem and lanczos know at most: nystroem is made of as many products,
    /// lanczos of twice as many. `auto`, of nystroem: 32, doubled while that saves more products than it takes, for ten
    /// queries one by one. Default: 100.
    #[arg(long, value_name = "RANK|auto", value_parser = Rank::parse, allow_hyphen_values = true)]
    pub rank: Option<Rank>,

    /// LiSSA's recursion steps in one repeat. Default: 1000; in experiments doubled from an eighth of the preset's
    /// until the residual of the first removal is small enough, at most the preset's, and printed.
    #[arg(long, value_name = "STEPS", value_parser = count, allow_hyphen_values = true)]
    pub depth: Option<usize>,

    /// LiSSA's independent recursions, of which the mean is taken. Default: 10; in experiments 5.
    #[arg(long, value_name = "COUNT", value_parser = count, allow_hyphen_values = true)]
    pub repeats: Option<usize>,

    /// LiSSA's scale. Default: twice the largest eigenvalue of the damped curvature seen in a few batches, by power
    /// iteration; experiments print it.
    #[arg(long, value_name = "SIGMA", value_parser = positive, allow_hyphen_values = true)]
    pub scale: Option<f64>,

    /// The type of numbers. f64 takes twice the memory and time. explain: while systems are solved and examples scored,
    /// and of the scores that are written, where f32 is the default; training is in f32, the verification in f64 where
    /// that is there. Experiments: of all numbers; one example's removal moves parameters by less than f32 tells apart,
    /// so f64 is the default where the device computes in it.
    #[arg(long, value_enum)]
    pub precision: Option<Precision>,
}

/// How a command solves the systems of queries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Solving {
    pub solver: SolverArgs,
    pub products: ProductsIn,
    pub seed: u64,
    /// Queries that conjugate gradients solve for as one block.
    pub block: usize,
}

impl Solving {
    pub fn solver(&self) -> SolverName {
        self.solver.name.unwrap_or(SolverName::Cg)
    }

    /// Queries whose solutions depend on each other: those of a block.
    pub fn unit(&self) -> usize {
        match self.solver() {
            SolverName::Lissa | SolverName::Direct => 1,
            _ => self.block,
        }
    }

    /// Whether it takes nothing of the matrix but products with it.
    pub fn goes_by_products(&self) -> bool {
        let layers = [PreconditionerName::Kfac, PreconditionerName::Ekfac];
        let preconditioner = self.solver.preconditioner;
        let is_of_layers = preconditioner.is_some_and(|it| layers.contains(&it));
        let solver = self.solver();
        !is_of_layers
            && !matches!(
                solver,
                SolverName::Kfac | SolverName::Ekfac | SolverName::Dual
            )
    }

    /// The type of all numbers while systems are solved and examples scored.
    pub fn precision(&self) -> Precision {
        self.solver.precision.unwrap_or(Precision::F32)
    }
}

impl SolverArgs {
    /// Refuses what `solver` could not go by, before anything is trained.
    pub fn check(
        &self,
        solver: SolverName,
        network: &ZooConfig,
        dtype: DType,
    ) -> Result<(), CliError> {
        self.check_lissa(solver)?;
        self.check_preconditioner(solver)?;
        check_fits("--scale", self.scale, dtype)?;
        match solver {
            SolverName::Cg => self.check_tolerance(dtype),
            SolverName::Direct => check_direct(network),
            _ => Ok(()),
        }
    }

    /// Refuses LiSSA's settings of another solver.
    fn check_lissa(&self, solver: SolverName) -> Result<(), CliError> {
        let given = [
            ("--depth", self.depth.is_some()),
            ("--repeats", self.repeats.is_some()),
            ("--scale", self.scale.is_some()),
        ];
        match given.into_iter().find(|it| it.1) {
            Some((option, _)) if solver != SolverName::Lissa => Err(CliError::Option {
                option,
                problem: format!(
                    "is LiSSA's: add --solver lissa, or leave it out; {} has no use for it",
                    solver.name()
                ),
            }),
            _ => Ok(()),
        }
    }

    /// Refuses a preconditioner of another solver, and a rank without its sketch.
    fn check_preconditioner(&self, solver: SolverName) -> Result<(), CliError> {
        let refused = |option, problem| Err(CliError::Option { option, problem });
        match (self.preconditioner, self.rank) {
            (Some(_), _) if solver != SolverName::Cg => refused(
                "--preconditioner",
                format!(
                    "is for --solver cg: leave it out; {} has no use for it",
                    solver.name()
                ),
            ),
            (name, Some(rank)) => self.check_rank(solver, name, rank),
            _ => Ok(()),
        }
    }

    /// Refuses a rank of what has none.
    fn check_rank(
        &self,
        solver: SolverName,
        name: Option<PreconditionerName>,
        rank: Rank,
    ) -> Result<(), CliError> {
        let sketch = name == Some(PreconditionerName::Nystroem) || solver == SolverName::Nystroem;
        let krylov = name == Some(PreconditionerName::Lanczos) || solver == SolverName::Lanczos;
        let problem = match rank {
            _ if sketch => return Ok(()),
            Rank::Of(_) if krylov => return Ok(()),
            Rank::Auto if krylov => "auto is of a sketch: give lanczos a number, or take nystroem",
            _ => {
                "is of a sketch: add --preconditioner nystroem or --solver nystroem, or leave it out"
            }
        };
        Err(CliError::Option {
            option: "--rank",
            problem: problem.into(),
        })
    }

    /// The settings of `solver`, if it is a structured approximation or the exact dual.
    pub fn closed_form(&self, solver: SolverName, seed: u64) -> Option<SolverConfig> {
        let tolerance = self.tolerance;
        Some(match solver {
            SolverName::Cg | SolverName::Lissa | SolverName::Direct => return None,
            SolverName::Dual => SolverConfig::Dual(DualConfig {
                tolerance,
                ..DualConfig::default()
            }),
            SolverName::Ekfac | SolverName::Kfac => SolverConfig::Kfac(KfacConfig {
                tolerance,
                ..layers(solver == SolverName::Ekfac, seed)
            }),
            SolverName::Nystroem => SolverConfig::Nystroem(NystroemConfig {
                tolerance,
                ..sketch(self.rank, seed)
            }),
            SolverName::Lanczos => SolverConfig::Lanczos(LanczosConfig {
                tolerance,
                ..krylov(self.rank, seed)
            }),
            SolverName::Diagonal => SolverConfig::Diagonal(DiagonalConfig {
                tolerance,
                ..diagonal(seed)
            }),
        })
    }

    /// Refuses preconditioners of queries that are solved together, where they are solved one by one.
    pub fn check_one_by_one(&self) -> Result<(), CliError> {
        match self.preconditioner {
            Some(name @ (PreconditionerName::Auto | PreconditionerName::Recycled)) => {
                Err(CliError::Option {
                    option: "--preconditioner",
                    problem: format!(
                        "{} is for explain: experiments solve one by one, as if each were alone",
                        name.name()
                    ),
                })
            }
            _ => Ok(()),
        }
    }

    /// The preconditioner of conjugate gradients, if one was asked for and is not to be chosen.
    pub fn preconditioner(&self, seed: u64) -> Option<Preconditioner> {
        self.preconditioner?.with(self.rank, seed)
    }

    /// Refuses a residual that rounding is above.
    fn check_tolerance(&self, dtype: DType) -> Result<(), CliError> {
        let (least, name, hint) = match dtype {
            DType::F64 => (f64::EPSILON, "f64", ""),
            _ => (
                f32::EPSILON.into(),
                "f32",
                ", those with --precision f64 can",
            ),
        };
        match self.tolerance {
            Some(tolerance) if tolerance < least => Err(CliError::Option {
                option: "--tolerance",
                problem: format!(
                    "is {}: conjugate gradients in {name} cannot go below {least:.1e}{hint}",
                    brief(tolerance)
                ),
            }),
            _ => Ok(()),
        }
    }
}

/// Refuses a dense matrix of too many parameters.
fn check_direct(network: &ZooConfig) -> Result<(), CliError> {
    let (dim, limit) = (network.parameters(), DirectConfig::default().limit);
    if dim <= limit as u128 {
        return Ok(());
    }
    Err(CliError::Option {
        option: "--solver direct",
        problem: format!(
            "would form a dense matrix of {dim} x {dim}, its limit is {limit}: take cg or lissa"
        ),
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SolverName {
    /// Conjugate gradients: exact to a tolerance, any size.
    Cg,
    /// LiSSA: a stochastic recursion on batches, for data too large for full products.
    Lissa,
    /// A dense Cholesky factorisation: exact, for small models.
    Direct,
    /// The kernel matrix of examples times outputs: exact, for models of any size on few examples.
    Dual,
    /// EK-FAC: a Kronecker product for every layer, with corrected eigenvalues. An approximation.
    Ekfac,
    /// K-FAC: a Kronecker product for every layer. An approximation.
    Kfac,
    /// A sketch of low rank. An approximation.
    Nystroem,
    /// The largest eigenvalues of a Krylov space, and the damping for the rest. An approximation.
    Lanczos,
    /// The diagonal alone, estimated from 100 products. An approximation.
    Diagonal,
}

impl SolverName {
    pub fn name(self) -> &'static str {
        match self {
            Self::Cg => "cg",
            Self::Lissa => "lissa",
            Self::Direct => "direct",
            Self::Dual => "dual",
            Self::Ekfac => "ekfac",
            Self::Kfac => "kfac",
            Self::Nystroem => "nystroem",
            Self::Lanczos => "lanczos",
            Self::Diagonal => "diagonal",
        }
    }
}

/// The type of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Precision {
    F32,
    F64,
}

impl Precision {
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }

    /// What scores are written in.
    pub fn float(self) -> Float {
        match self {
            Self::F32 => Float::F32,
            Self::F64 => Float::F64,
        }
    }

    pub fn dtype(self) -> DType {
        match self {
            Self::F32 => DType::F32,
            Self::F64 => DType::F64,
        }
    }

    /// Refuses 64 bits where the device has none.
    pub fn check(self, opened: &Opened) -> Result<(), CliError> {
        if self == Self::F64 && !computes_in_f64(&opened.device) {
            return Err(CliError::Option {
                option: "--precision",
                problem: format!("f64 is not what {} computes in: take f32", opened.name),
            });
        }
        Ok(())
    }
}
