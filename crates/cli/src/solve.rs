//! The linear systems of queries.

use std::{cell::Cell, time::Instant};

use backdraft_curvature::{Cost, CountedOperator, Curvature, Damped, LinearOperator};
use backdraft_influence::{
    ConjugateGradient, ConjugateGradientConfig, DirectConfig, LissaConfig, Preconditioner, Scale,
    Solution, SolveError, SolveInfo, Solver,
};
use burn::tensor::Tensor;

use super::{
    CliError,
    args::{Precision, SolverName, Solving},
    kept_factors::KeptFactors,
    mixed_precision::TOLERANCE,
    progress::{Bar, Passes, say, warn},
    queries::QueryRows,
    run_folder::{RunFolder, Solved},
};
use backdraft_report::{SolveRecord, brief};

/// LiSSA's recursion steps and repeats, where no option says otherwise.
pub(super) const DEPTH: usize = 1000;
pub(super) const REPEATS: usize = 10;

/// What the options have against a residual that is too large.
fn remedy(args: &Solving) -> &'static str {
    match (args.solver(), args.precision()) {
        (SolverName::Lissa, _) => "raise --depth, --repeats or --damping, or take --solver cg",
        (_, Precision::F32) => "raise --damping or --tolerance, or take --precision f64",
        (_, Precision::F64) => "raise --damping or --tolerance",
    }
}

/// Queries that are solved for as one block, where no option says otherwise.
pub(super) const BLOCK: usize = 128;

/// The systems of a run: those of all queries for the first damping, then for the next.
#[derive(Clone, Copy)]
pub(super) struct QuerySystems<'a> {
    pub args: Solving,
    pub curvature: &'a (dyn LinearOperator + Sync),
    pub dampings: &'a [f64],
    pub preconditioner: &'a Preconditioner,
    pub queries: &'a QueryRows,
    /// Their examples, in the same order.
    pub measured: &'a Cost,
    pub store: &'a RunFolder,
    /// Where what the solver is made of is kept.
    pub factors: Option<KeptFactors<'a>>,
    /// Over the training examples, where they are told.
    pub passes: Option<&'a Passes>,
    /// Whether its stages are shown: those of one device among several.
    pub shown: bool,
}

impl QuerySystems<'_> {
    pub fn count(&self) -> usize {
        self.dampings.len() * self.queries.count()
    }

    /// The places of a system's damping and query.
    pub fn place(&self, system: usize) -> (usize, usize) {
        (system / self.queries.count(), system % self.queries.count())
    }

    /// Rows whose solutions depend on each other, from the first on.
    pub fn unit(&self) -> usize {
        self.args.unit()
    }

    /// What a system is called.
    pub fn name(&self, system: usize) -> String {
        let (damping, row) = self.place(system);
        let query = self.queries.name(row);
        match self.dampings.len() {
            1 => query,
            _ => format!("{query}, damping {}", brief(self.dampings[damping])),
        }
    }

    /// `matrix` with each damping.
    pub fn damped<'m>(&self, matrix: &'m Curvature) -> Vec<Damped<&'m Curvature>> {
        let dampings = self.dampings.iter();
        dampings.map(|&it| Damped::new(matrix, it)).collect()
    }

    /// A stage of so many steps, if stages are shown.
    pub fn bar(&self, title: &'static str, length: u64) -> Bar {
        match self.shown {
            true => Bar::new(title, length),
            false => Bar::hidden(),
        }
    }

    /// Solves the systems of which `open` says that there is no solution yet, and keeps the solutions.
    pub fn solve(&self, open: &[bool]) -> Result<(), CliError> {
        let unsolved = open.iter().filter(|open| **open).count();
        if unsolved == 0 {
            return Ok(());
        }
        let bar = self.bar("solving", unsolved as u64);
        let products = Cell::new(0);
        let counted = CountedOperator::new(self.curvature, |count| {
            products.set(products.get() + count);
            bar.message(format!("{} products", products.get()));
        });
        let plain = *self.preconditioner == Preconditioner::None;
        if self.dampings.len() > 1 && self.args.solver() == SolverName::Cg && plain {
            return self.solve_path(open, &counted, &bar);
        }
        for (place, &damping) in self.dampings.iter().enumerate() {
            let first = place * self.queries.count();
            let open = &open[first..][..self.queries.count()];
            if open.contains(&true) {
                self.solve_damped(&Damped::new(&counted, damping), first, open, &bar)?;
            }
        }
        Ok(())
    }

    /// Solves for one damping, whose systems are those from `first` on.
    fn solve_damped(
        &self,
        matrix: &dyn LinearOperator,
        first: usize,
        open: &[bool],
        bar: &Bar,
    ) -> Result<(), CliError> {
        let solver = solver(&self.args, self.preconditioner)?;
        let mut start = Instant::now();
        let prepared = self.prepare(&*solver, matrix, bar)?;
        for rows in self.together(open) {
            let gradients = self.gradients(&rows, open, bar)?;
            let found = prepared.inverse.solve_many(gradients)?;
            prepared.keep()?;
            let seconds = start.elapsed().as_secs_f64() / rows.len() as f64;
            for (&row, found) in rows.iter().zip(found).filter(|(row, _)| open[**row]) {
                self.keep(first + row, found, seconds, bar)?;
            }
            start = Instant::now();
        }
        Ok(())
    }

    /// Solves for all dampings in the space of the least.
    fn solve_path(
        &self,
        open: &[bool],
        matrix: &dyn LinearOperator,
        bar: &Bar,
    ) -> Result<(), CliError> {
        let solver = conjugate_gradient(&self.args, self.preconditioner)?;
        let mut order: Vec<usize> = (0..self.dampings.len()).collect();
        order.sort_by(|&a, &b| self.dampings[b].total_cmp(&self.dampings[a]));
        let falling: Vec<f64> = order.iter().map(|&place| self.dampings[place]).collect();
        let count = self.queries.count();
        let any = |row: usize| order.iter().any(|place| open[place * count + row]);
        let any: Vec<bool> = (0..count).map(any).collect();
        for rows in self.together(&any) {
            let gradients = self.gradients(&rows, &any, bar)?;
            let start = Instant::now();
            let found = solver.solve_path(matrix, gradients, &falling)?;
            let solved = rows.len() * order.len();
            let seconds = start.elapsed().as_secs_f64() / solved as f64;
            for (place, found) in order.iter().zip(found) {
                let found = rows.iter().map(|row| place * count + row).zip(found);
                for (system, found) in found.filter(|it| open[it.0]) {
                    self.keep(system, found, seconds, bar)?;
                }
            }
        }
        Ok(())
    }

    /// The gradients of the queries in these rows; of those that are open it is said where they are very small.
    fn gradients(
        &self,
        rows: &[usize],
        open: &[bool],
        bar: &Bar,
    ) -> Result<Vec<Tensor<1>>, CliError> {
        let gradients = rows
            .iter()
            .map(|&row| Ok(self.queries.gradient(self.measured, row)?));
        let gradients = gradients.collect::<Result<Vec<_>, CliError>>()?;
        for (&row, gradient) in rows.iter().zip(&gradients).filter(|(row, _)| open[**row]) {
            let name = self.queries.name(row);
            bar.aside(|| tell_small(&name, gradient, self.args.precision()));
        }
        Ok(gradients)
    }

    /// The rows that are solved at once, those that have to be: LiSSA shares its batches among all. In which numbers
    /// conjugate gradients solve for a query depends on the others of its block: a run that goes on solves the same
    /// block, and where blocks learn from those before, these too.
    fn together(&self, open: &[bool]) -> Vec<Vec<usize>> {
        let unsolved = || (0..open.len()).filter(|&row| open[row]);
        match self.args.solver() {
            SolverName::Lissa => vec![unsolved().collect()],
            SolverName::Direct => unsolved().map(|row| vec![row]).collect(),
            _ => {
                let rows: Vec<usize> = (0..open.len()).collect();
                let blocks = rows.chunks(self.unit());
                let mut blocks: Vec<Vec<usize>> = blocks.map(<[usize]>::to_vec).collect();
                let is_open = |rows: &Vec<usize>| rows.iter().any(|&row| open[row]);
                match self.preconditioner {
                    Preconditioner::Recycled => {
                        let last = blocks.iter().rposition(is_open);
                        blocks.truncate(last.map_or(0, |last| last + 1));
                    }
                    _ => blocks.retain(is_open),
                }
                blocks
            }
        }
    }

    /// Keeps the solution of a system, which took so long, and says what it is worth.
    fn keep(
        &self,
        system: usize,
        found: Result<Solution, SolveError>,
        seconds: f64,
        bar: &Bar,
    ) -> Result<(), CliError> {
        let solution = bar.aside(|| told(&self.args, &self.name(system), found))?;
        bar.inc(1);
        self.store.keep_solved(system, &solved(solution, seconds))
    }
}

/// The solution for a query or a group, which is said. One that did not converge has a warning: the verification tells
/// how good its scores are all the same, and the record says so.
pub(super) fn told(
    args: &Solving,
    query: &str,
    found: Result<Solution, SolveError>,
) -> Result<Solution, CliError> {
    let solution = match found {
        Ok(solution) => solution,
        Err(SolveError::NotConverged { solution, .. }) => {
            warn(format_args!(
                "{query} is not solved to the tolerance: its residual is {:.1e}, above {:.1e}; {}",
                solution.info.true_residual,
                solution.info.tolerance,
                remedy(args)
            ));
            *solution
        }
        Err(error) => return Err(error.into()),
    };
    let info = &solution.info;
    say(format_args!(
        "{query}: {} with relative residual {:.1e} after {:.0} products",
        info.solver, info.true_residual, info.products
    ));
    Ok(solution)
}

/// Warns of a query whose gradient is at the end of what numbers can be, so that its scores have few digits, or are 0.
fn tell_small(query: &str, gradient: &Tensor<1>, precision: Precision) {
    let largest = gradient.clone().abs().max().into_scalar::<f64>();
    let (least, remedy) = match precision {
        Precision::F32 => (
            f64::from(f32::MIN_POSITIVE / f32::EPSILON),
            "; --precision f64 has more",
        ),
        Precision::F64 => (f64::MIN_POSITIVE / f64::EPSILON, ""),
    };
    if largest < least {
        warn(format_args!(
            "{query}: the largest number of its gradient is {largest:.1e}, where {} ends: its scores have few digits, or are 0{remedy}",
            precision.name()
        ));
    }
}

pub(super) fn conjugate_gradient(
    args: &Solving,
    preconditioner: &Preconditioner,
) -> Result<ConjugateGradient, CliError> {
    let config = ConjugateGradientConfig {
        tolerance: args
            .solver
            .tolerance
            .or_else(|| args.products.half().map(|_| TOLERANCE)),
        preconditioner: preconditioner.clone(),
        ..Default::default()
    };
    Ok(config.init()?)
}

pub(super) fn solver(
    args: &Solving,
    preconditioner: &Preconditioner,
) -> Result<Box<dyn Solver>, CliError> {
    let closed_form = args.solver.closed_form(args.solver(), args.seed);
    if let Some(config) = closed_form {
        return Ok(config.init()?);
    }
    Ok(match args.solver() {
        SolverName::Direct => {
            let config = DirectConfig {
                tolerance: args.solver.tolerance,
                ..Default::default()
            };
            Box::new(config.init()?)
        }
        SolverName::Lissa => {
            let default = LissaConfig::default();
            let config = LissaConfig {
                tolerance: args.solver.tolerance.unwrap_or(default.tolerance),
                depth: args.solver.depth.unwrap_or(DEPTH),
                repeats: args.solver.repeats.unwrap_or(REPEATS),
                scale: args.solver.scale.map_or(Scale::Auto, Scale::Fixed),
                seed: args.seed,
                ..default
            };
            Box::new(config.init()?)
        }
        _ => Box::new(conjugate_gradient(args, preconditioner)?),
    })
}

/// Solves on for `gradient`, to a tenth of the residual so far, from the solution `solved`. `None` where rounding does
/// not let the residual fall any more.
pub(super) fn solve_on(
    matrix: &dyn LinearOperator,
    gradient: Tensor<1>,
    solved: &Solved,
) -> Result<Option<Solved>, CliError> {
    let start = Instant::now();
    let before = solved.record.true_residual;
    let precision = matrix
        .dtype()
        .finfo()
        .map_or(f64::INFINITY, |it| it.epsilon);
    let tolerance = 0.1 * before;
    if tolerance < precision {
        return Ok(None);
    }
    let config = ConjugateGradientConfig {
        tolerance: Some(tolerance),
        ..Default::default()
    };
    let found = config
        .init()?
        .solve_from(matrix, gradient, solved.vector.clone());
    let mut solution = match found {
        Err(SolveError::NotConverged { solution, .. }) => *solution,
        found => found?,
    };
    if solution.info.true_residual > 0.5 * before {
        return Ok(None);
    }
    solution.info.converged |= solved.record.converged;
    solution.info.iterations += solved.record.iterations;
    let mut residuals = solved.record.residuals.clone();
    residuals.append(&mut solution.info.residuals);
    solution.info.residuals = residuals;
    let seconds = solved.seconds + start.elapsed().as_secs_f64();
    Ok(Some(self::solved(solution, seconds)))
}

fn solved(solution: Solution, seconds: f64) -> Solved {
    let Solution { vector, info } = solution;
    Solved {
        vector,
        record: record(info),
        seconds,
    }
}

/// The evidence of a solve, as it is recorded.
pub(super) fn record(info: SolveInfo) -> SolveRecord {
    SolveRecord {
        converged: info.converged,
        iterations: info.iterations,
        true_residual: info.true_residual,
        residuals: info.residuals,
    }
}
