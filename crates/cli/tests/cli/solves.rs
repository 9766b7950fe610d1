//! Queries solved as a block, with bounds, and `backdraft bench solves`.

use safetensors::{Dtype, serialize, tensor::TensorView};
use serde_json::Value;

use crate::{
    place::{Outcome, Place},
    refusals::assert_refused,
};

pub fn far_apart(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
    let largest = b
        .iter()
        .flatten()
        .fold(0.0_f64, |most, x| most.max(x.abs()));
    let off = a
        .iter()
        .flatten()
        .zip(b.iter().flatten())
        .map(|(a, b)| (a - b).abs());
    off.fold(0.0, f64::max) / largest
}

/// Bounds stand beside the strongest scores, hold against the exact solution, and fall until places are settled.
#[test]
fn scores_have_bounds_and_are_settled() -> Outcome {
    let place = Place::new()?;
    let data = "--model lr --data cancer --queries 3,5 --verify-removals 1 --precision f64";
    let rough = place.explain(&format!("{data} --tolerance 0.1"), "rough")?;
    let settled = place.explain(&format!("{data} --tolerance 0.1 --settle 10"), "settled")?;
    let exact = place.explain(&format!("{data} --solver direct"), "exact")?;
    for run in [&rough, &settled] {
        let top = String::from_utf8(run.file("top.csv")?)?;
        let mut lines = top.lines();
        let head = lines.next().ok_or("no head")?;
        assert!(head.ends_with(",bound"), "{head}");
        for line in lines {
            let cells: Vec<&str> = line.split(',').collect();
            let query = usize::from(cells[0] == "5");
            let train: usize = cells[3].parse()?;
            let bound: f64 = cells[cells.len() - 1].parse()?;
            let error = (cells[5].parse::<f64>()? - exact.scores[query][train]).abs();
            // The bound is written with four digits.
            assert!(error <= 1.001 * bound + 1e-15, "{line}: {error}");
        }
    }
    let places = |run: &crate::place::Run| {
        let said = run.stdout.matches("the first 10 of the 10 most").count();
        said + run.stdout.matches("and 10 of the 10 most harmful").count()
    };
    assert_eq!(places(&settled), 4, "{}", settled.stdout);
    assert!(places(&rough) < 4, "{}", rough.stdout);
    Ok(())
}

#[test]
fn a_block_takes_fewer_products_than_one_by_one() -> Outcome {
    let place = Place::new()?;
    place.write("solves/w1.safetensors", workload()?)?;
    let options =
        "bench solves --from solves --methods block,single,lockstep --runs 1 --damping 0.01 --json";
    let done = place.backdraft(options).assert().success();
    let said = String::from_utf8(done.get_output().stdout.clone())?;
    let lines: Vec<Value> = said
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let [block, single, lockstep] = lines.as_slice() else {
        return Err(said.into());
    };
    let methods = ["block", "single", "lockstep"];
    for (line, method) in lines.iter().zip(methods) {
        assert_eq!(line["method"], method);
        assert_eq!(line["workload"], "w1");
        assert!(
            line["true_residual"].as_f64().ok_or("no residual")? <= 1e-5,
            "{line}"
        );
    }
    let products = |line: &Value| line["block_products"].as_f64().unwrap_or(f64::NAN);
    assert!(products(block) < 0.7 * products(single), "{said}");
    // In step each takes what it takes alone, but for the looks at convergence.
    assert!(
        (products(lockstep) - products(single)).abs() <= 5.0,
        "{said}"
    );

    let dampings =
        "bench solves --from solves --methods path,later --runs 1 --damping 0.1,0.01 --json";
    let done = place.backdraft(dampings).assert().success();
    let said = String::from_utf8(done.get_output().stdout.clone())?;
    let lines: Vec<Value> = said
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let told: Vec<_> = lines.iter().map(|line| line["damping"].as_f64()).collect();
    assert_eq!(told, [Some(0.01), Some(0.1), Some(0.01)], "{said}");
    assert_eq!(products(&lines[0]), products(block) + 1.0, "{said}");
    let blocks =
        "bench solves --from solves --block 3 --preconditioners auto --runs 1 --damping 0.01";
    let done = place.backdraft(blocks).assert().success();
    let said = String::from_utf8(done.get_output().stdout.clone())?;
    assert!(said.contains("for 3 blocks of 3 queries"), "{said}");
    assert_refused(
        &place,
        "bench solves --from solves --methods path --preconditioners jacobi",
        &["--preconditioners", "path"],
    )?;

    assert_refused(
        &place,
        "bench solves --from nowhere",
        &["--from", "w1.safetensors"],
    )?;
    place.write("empty/w1.safetensors", "nothing")?;
    assert_refused(
        &place,
        "bench solves --from empty",
        &["--from", "w1.safetensors"],
    )
}

/// Approximations say what they cover, their bounds hold against the exact scores, and the dual solver is exact.
#[test]
fn approximations_have_bounds_and_the_dual_is_exact() -> Outcome {
    let place = Place::new()?;
    let data = "--model lr --data cancer --queries 3,5 --verify-removals 1 --precision f64";
    let exact = place.explain(&format!("{data} --solver direct"), "exact")?;
    for (solver, says) in [
        (
            "ekfac",
            "ekfac covers 31 of 31 parameters: 31 as Kronecker products (1)",
        ),
        ("kfac", "kfac covers 31 of 31 parameters"),
        ("diagonal", "diagonal with relative residual"),
        ("nystroem --rank 5", "nystroem with relative residual"),
        ("dual", "dual: a kernel matrix of 456 x 456"),
    ] {
        let name = solver.split(' ').next().unwrap_or(solver);
        let run = place.explain(&format!("{data} --solver {solver}"), name)?;
        assert!(run.stdout.contains(says), "{}", run.stdout);
        for line in String::from_utf8(run.file("top.csv")?)?.lines().skip(1) {
            let cells: Vec<&str> = line.split(',').collect();
            let query = usize::from(cells[0] == "5");
            let train: usize = cells[3].parse()?;
            let bound: f64 = cells[cells.len() - 1].parse()?;
            let error = (cells[5].parse::<f64>()? - exact.scores[query][train]).abs();
            assert!(error <= 1.001 * bound + 1e-15, "{line}: {error}");
        }
        if name == "dual" {
            let off = far_apart(&run.scores, &exact.scores);
            assert!(off < 1e-9, "{off}");
        }
    }
    let mut large = place.backdraft("explain --data digits --solver dual --out large");
    let said = large.assert().code(1).get_output().stderr.clone();
    let said = String::from_utf8(said)?;
    assert!(said.contains("kernel matrix of 14380 x 14380"), "{said}");
    Ok(())
}

/// Self-influence of all training examples is that of the score for its own loss, exact or said not to be.
#[test]
fn self_influence_of_all_examples_is_written() -> Outcome {
    let place = Place::new()?;
    let data =
        "--model lr --data cancer --queries 3 --verify none --precision f64 --self-influence";
    let run = place.explain(data, "cancer")?;
    assert!(
        run.stdout
            .contains("self-influence: exact, through a dense matrix of 31 x 31"),
        "{}",
        run.stdout
    );
    let table = String::from_utf8(run.file("self-influence.csv")?)?;
    let mut lines = table.lines();
    let head = lines.next().ok_or("no head")?;
    assert!(
        head.starts_with("rank,train,label,self_influence,exact,file"),
        "{head}"
    );
    let values: Vec<f64> = lines
        .map(|line| line.split(',').nth(3).unwrap_or("").parse())
        .collect::<Result<_, _>>()?;
    assert_eq!(values.len(), 456);
    assert!(values.is_sorted_by(|a, b| a >= b) && values.iter().all(|value| *value >= 0.0));
    let sums = String::from_utf8(run.file("SHA256SUMS")?)?;
    assert!(sums.contains("self-influence.csv"), "{sums}");
    let digits = place.explain("--queries 0 --verify none --self-influence", "digits")?;
    assert!(
        digits
            .stdout
            .contains("self-influence: exact, through a dense matrix of 3466 x 3466"),
        "{}",
        digits.stdout
    );
    Ok(())
}

#[test]
fn estimators_are_held_against_exact_scores_and_responses() -> Outcome {
    let place = Place::new()?;
    place.write("solves/w1.safetensors", workload()?)?;
    let estimators = "gradients,diagonal,outer-product,lissa,kfac,ekfac,nystroem,lanczos,dual";
    let options = format!(
        "bench estimators --from solves --estimators {estimators},last-layer --removals 5 --rank 4 --precision f64 --scores kept --json"
    );
    let done = place.backdraft(&options).assert().success();
    // The network is one layer: the last of it is all of it.
    let warned = String::from_utf8(done.get_output().stderr.clone())?;
    assert!(warned.contains("last-layer is left out"), "{warned}");
    let said = String::from_utf8(done.get_output().stdout.clone())?;
    let lines: Vec<Value> = said
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let names: Vec<_> = lines
        .iter()
        .filter_map(|line| line["estimator"].as_str())
        .collect();
    assert_eq!(names.join(","), format!("exact,{estimators}"));
    for line in &lines {
        let number = |of: &str| line[of].as_f64();
        let pearson = number("pearson").ok_or("no correlation")?;
        let exact = ["exact", "dual"].contains(&line["estimator"].as_str().unwrap_or(""));
        assert_eq!(pearson > 1.0 - 1e-12, exact, "{line}");
        assert!(pearson > 0.3 && number("pbrf").is_some(), "{line}");
        assert!(
            number("seconds").is_some_and(|seconds| seconds > 0.0),
            "{line}"
        );
    }
    assert!(place.path().join("kept/ekfac.safetensors").exists());
    assert_refused(
        &place,
        "bench estimators --from nowhere",
        &["--from", "w1.safetensors"],
    )
}

/// Logistic regression of six features and three classes.
fn workload() -> Result<Vec<u8>, safetensors::SafeTensorError> {
    let numbers = |count: usize, seed: f32| -> Vec<u8> {
        let wave = (0..count).map(|i| ((i as f32 + 1.0) * (seed + 2.3)).sin());
        wave.flat_map(f32::to_le_bytes).collect()
    };
    let classes =
        |count: i64| -> Vec<u8> { (0..count).flat_map(|i| (i % 3).to_le_bytes()).collect() };
    let tensors = [
        ("w.0.weight", Dtype::F32, vec![3, 6], numbers(18, 0.0)),
        ("w.0.bias", Dtype::F32, vec![3], numbers(3, 1.0)),
        ("x_train", Dtype::F32, vec![40, 6], numbers(240, 0.5)),
        ("y_train", Dtype::I64, vec![40], classes(40)),
        ("x_query", Dtype::F32, vec![8, 6], numbers(48, 0.7)),
        ("y_query", Dtype::I64, vec![8], classes(8)),
    ];
    let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
        Ok((*name, TensorView::new(*dtype, shape.clone(), bytes)?))
    });
    serialize(
        views.collect::<Result<Vec<_>, safetensors::SafeTensorError>>()?,
        None,
    )
}
