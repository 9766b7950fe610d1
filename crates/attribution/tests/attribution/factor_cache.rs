//! What inverses are made of, kept and taken up again.

use std::cell::Cell;

use backdraft_attribution::{FactorCache, FolderStore, MemoryStore, Store};
use backdraft_curvature::{CountedOperator, LinearOperator};
use backdraft_influence::{
    ConjugateGradientConfig, DiagonalConfig, DualConfig, Inverse, KfacConfig, LanczosConfig,
    NystroemConfig, Preconditioner, SolveError, Solver,
};
use backdraft_test_support::{Outcome, host, random};
use burn::tensor::Tensor;

use crate::common::network;

const DAMPING: f64 = 0.05;

type Named = (&'static str, Box<dyn Solver>);

/// Every solver whose inverses are made of something.
fn solvers() -> Result<Vec<Named>, SolveError> {
    let nystroem = NystroemConfig {
        rank: 6,
        ..Default::default()
    };
    let lanczos = LanczosConfig {
        rank: 4,
        ..Default::default()
    };
    let preconditioned = |preconditioner| ConjugateGradientConfig {
        preconditioner,
        ..Default::default()
    };
    let kfac = |corrected| KfacConfig {
        corrected,
        ..Default::default()
    };
    Ok(vec![
        ("kfac", Box::new(kfac(false).init()?)),
        ("ekfac", Box::new(kfac(true).init()?)),
        ("nystroem", Box::new(nystroem.clone().init()?)),
        ("lanczos", Box::new(lanczos.clone().init()?)),
        ("diagonal", Box::new(DiagonalConfig::default().init()?)),
        ("dual", Box::new(DualConfig::default().init()?)),
        (
            "cg, nystroem",
            Box::new(preconditioned(Preconditioner::Nystroem(nystroem)).init()?),
        ),
        (
            "cg, lanczos",
            Box::new(preconditioned(Preconditioner::Lanczos(lanczos)).init()?),
        ),
        (
            "cg, jacobi",
            Box::new(preconditioned(Preconditioner::Jacobi(DiagonalConfig::default())).init()?),
        ),
        (
            "cg, ekfac",
            Box::new(preconditioned(Preconditioner::Kfac(kfac(true))).init()?),
        ),
    ])
}

fn solved(inverse: &dyn Inverse, rhs: &[Tensor<1>]) -> Result<Vec<Vec<f64>>, SolveError> {
    let found = inverse.solve_many(rhs.to_vec())?.into_iter();
    found.map(|it| Ok(host(it?.vector))).collect()
}

#[test]
fn what_is_restored_has_the_same_bits_and_takes_no_products() -> Outcome {
    let cost = network();
    let matrix = cost.gauss_newton().damped(DAMPING);
    let rhs: Vec<Tensor<1>> = (0..3).map(|seed| random([matrix.dim()], seed)).collect();
    for (name, solver) in solvers()? {
        let folder = tempfile::tempdir()?;
        let store = FolderStore::open(folder.path())?;
        let mut all = Vec::new();
        for found in [false, true] {
            let products = Cell::new(0);
            let counted =
                CountedOperator::new(&matrix, |count| products.set(products.get() + count));
            let cache = FactorCache::new(&store, &cost, &matrix, name)?;
            let inverse = cache.prepare(&*solver, &counted)?;
            assert_eq!(cache.was_found(), found, "{name}");
            if found {
                assert_eq!(products.get(), 0, "{name}");
            }
            all.push(solved(&*inverse, &rhs)?);
            let solution = inverse.solve(rhs[0].clone())?;
            assert!(solution.info.products > 0.0, "{name}");
        }
        assert_eq!(all[0], all[1], "{name}");
    }
    Ok(())
}

/// The space that one process has solved in saves another its products.
#[test]
fn a_krylov_space_serves_later_queries() -> Outcome {
    let cost = network();
    let matrix = cost.gauss_newton().damped(DAMPING);
    let config = ConjugateGradientConfig {
        preconditioner: Preconditioner::Recycled,
        tolerance: Some(1e-8),
        ..Default::default()
    };
    let solver = config.init()?;
    let rhs = |seed: u64| -> Vec<Tensor<1>> {
        (0..4)
            .map(|i| random([matrix.dim()], 10 * seed + i))
            .collect()
    };
    let store = MemoryStore::new();
    let cache = FactorCache::new(&store, &cost, &matrix, "recycled")?;
    let first = cache.prepare(&solver, &matrix)?;
    // Nothing is learnt yet.
    assert!(first.factors().is_none());
    solved(&*first, &rhs(1))?;
    cache.keep(&*first)?;
    let expected = solved(&*first, &rhs(2))?;

    let later = FactorCache::new(&store, &cost, &matrix, "recycled")?;
    let taken = later.prepare(&solver, &matrix)?;
    assert!(later.was_found());
    assert_eq!(solved(&*taken, &rhs(2))?, expected);
    let products = |inverse: &dyn Inverse| -> Outcome<f64> {
        Ok(inverse.solve_many(rhs(3))?.remove(0)?.info.products)
    };
    let alone = solver.prepare(&matrix)?;
    assert!(products(&*taken)? < products(&*alone)?);
    Ok(())
}

/// Of another damping, other parameters, other settings, or damaged: it is made anew.
#[test]
fn what_is_of_another_is_not_taken() -> Outcome {
    let cost = network();
    let folder = tempfile::tempdir()?;
    let store = FolderStore::open(folder.path())?;
    let solver = KfacConfig::default().init()?;
    let taken = |cost: &backdraft_curvature::Cost, damping: f64, settings: &str| -> Outcome<bool> {
        let matrix = cost.gauss_newton().damped(damping);
        let cache = FactorCache::new(&store, cost, &matrix, settings)?;
        cache.prepare(&solver, &matrix)?;
        Ok(cache.was_found())
    };
    assert!(!taken(&cost, DAMPING, "a")?);
    assert!(taken(&cost, DAMPING, "a")?);
    assert!(!taken(&cost, 2.0 * DAMPING, "a")?);
    assert!(!taken(&cost, DAMPING, "b")?);
    let moved = cost.at(cost.model().theta() + 0.1)?;
    assert!(!taken(&moved, DAMPING, "a")?);
    for file in std::fs::read_dir(folder.path())? {
        let file = file?.path();
        let bytes = std::fs::read(&file)?;
        std::fs::write(&file, &bytes[..bytes.len() / 2])?;
    }
    assert!(!taken(&cost, DAMPING, "a")?);
    assert!(taken(&cost, DAMPING, "a")?);
    // What does not fit is refused by the solver, and made anew by the cache.
    let matrix = cost.gauss_newton().damped(DAMPING);
    let none = backdraft_influence::Factors::default();
    let refused = solver.restore(&matrix, none).map(drop);
    let error = refused
        .expect_err("there was nothing to restore")
        .to_string();
    assert!(error.contains("factors"), "{error}");
    store.remove("none-of-them")?;
    Ok(())
}
