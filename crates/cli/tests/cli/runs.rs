//! Runs that end well: what they write, and that it is right.

use backdraft_report::{Report, RunRecord, ScoreRecord};
use backdraft_test_support::gzip;
use serde_json::{Value, json};

use crate::data::{self, TRAIN, write_pictures};
use crate::place::{Outcome, Place, Run};

/// Logistic regression on the embedded cancer data, the cheapest run there is.
const CANCER: &str = "--model lr --data cancer";

/// Checks what every run must be: whole, and in agreement with itself.
fn assert_consistent(run: &Run) -> Outcome {
    // Four bytes a parameter, and a header.
    let weights = run.file("model.safetensors")?;
    assert!(weights.len() as f64 > 4.0 * run.number("/sizes/parameters"));
    let report = String::from_utf8(run.file(Report::FILE)?)?;
    assert!(report.trim_end().ends_with("</html>"));
    // The record is also what its type says.
    let record: RunRecord = serde_json::from_value(run.record.clone())?;
    assert_eq!(run.queries.len(), run.scores.len());
    assert_eq!(record.queries.len(), run.scores.len());
    for (query, &index) in record.queries.iter().zip(&run.queries) {
        assert_eq!(query.index as i64, index);
        assert!(query.solve.converged && query.loss.is_finite());
    }
    assert!(run.scores.iter().all(|row| row.len() == record.sizes.train));

    for (row, &query) in run.scores.iter().zip(&run.queries) {
        for (kind, sign) in [("helpful", 1.0), ("harmful", -1.0)] {
            let mut expected: Vec<f64> = row.iter().copied().filter(|x| x * sign > 0.0).collect();
            expected.sort_by(|a, b| (b * sign).total_cmp(&(a * sign)));
            expected.truncate(20);
            let listed = run
                .top
                .iter()
                .filter(|it| it.0 == query.to_string() && it.2 == kind);
            let listed: Vec<_> = listed.collect();
            assert_eq!(listed.len(), expected.len(), "{kind} of query {query}");
            for (place, (it, expected)) in listed.into_iter().zip(expected).enumerate() {
                assert_eq!((it.1, it.5 as f32), (place + 1, expected as f32));
                assert_eq!(row[it.3], expected, "training example {}", it.3);
            }
        }
    }

    let verification = record.verification.ok_or("no verification")?;
    assert!(!verification.pairs.is_empty());
    for pair in &verification.pairs {
        let row = run
            .queries
            .iter()
            .position(|&q| Some(q as usize) == pair.query);
        let score = run.scores[row.ok_or("a pair of no query")?][pair.train];
        // JSON numbers may lose their last bit on the way back.
        assert_eq!(pair.predicted as f32, score as f32);
    }
    // Five of each sign and ten at random for every query, some of them the same.
    let pairs = verification.pairs.len();
    assert!(pairs > 10 * run.queries.len() && pairs <= 20 * run.queries.len());
    Ok(())
}

#[test]
fn a_run_is_whole_and_the_same_seed_repeats_it() -> Outcome {
    let place = Place::new()?;
    let run = place.explain(&format!("{CANCER} --seed 5"), "runs/one")?;
    assert_consistent(&run)?;

    // The embedded set has 569 rows, every fifth held out.
    assert_eq!(run.scores.len(), 3);
    assert_eq!(run.scores[0].len(), 456);
    assert_eq!(run.number("/sizes/test"), 113.0);
    assert_eq!(run.record["settings"]["seed"], json!(5));
    assert_eq!(run.record["settings"]["model"], json!("lr"));
    assert_eq!(run.record["settings"]["device"], json!("flex"));
    assert_eq!(run.record["settings"]["out"], json!("runs/one"));
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(run.record["versions"]["backdraft"], json!(version));
    assert_eq!(run.record["versions"]["burn"], json!("0.22.1"));
    let timings = run.record["timings"].as_array().ok_or("no timings")?;
    let stages: Vec<&Value> = timings.iter().map(|timing| &timing["stage"]).collect();
    assert_eq!(stages, ["train", "solve", "score", "newton", "verify"]);
    // The model is convex and small: the first order is nearly all there is.
    assert!(run.number("/verification/pearson") >= 0.95);
    assert!(run.number("/verification/spearman") >= 0.9);
    assert!(run.number("/metrics/test/accuracy") > 0.95);
    assert!(run.stdout.contains("\nPearson "), "{}", run.stdout);

    let again = place.explain(&format!("{CANCER} --seed 5"), "runs/two")?;
    for name in [
        ScoreRecord::FILE,
        ScoreRecord::TOP_FILE,
        "model.safetensors",
    ] {
        assert!(again.file(name)? == run.file(name)?, "{name} differs");
    }

    // The run's folder is not written twice unless that is asked for.
    let before = place.contents()?;
    let refused = place
        .backdraft(&format!("explain {CANCER} --out runs/one"))
        .assert()
        .code(2);
    let said = String::from_utf8(refused.get_output().stderr.clone())?;
    assert!(said.contains("runs/one holds an earlier run"), "{said}");
    assert_eq!(place.contents()?, before);
    let other = place.explain(&format!("{CANCER} --seed 6 --overwrite"), "runs/one")?;
    assert_consistent(&other)?;
    assert_eq!(other.record["settings"]["seed"], json!(6));
    Ok(())
}

/// Newton estimates stand beside the scores, and nearer to what removals do; without them nothing speaks of them.
#[test]
fn newton_estimates_tell_the_size_of_changes() -> Outcome {
    let place = Place::new()?;
    let mlp = "--queries 2,106 --verify-removals 12";
    let run = place.explain(&format!("{mlp} --newton full"), "full")?;
    let off = |at: &str| (run.number(at) - 1.0).abs();
    // Responses are minimised to a gradient of a few percent of the one at their start.
    assert!(off("/verification/newton/slope") < 0.15, "{}", run.stdout);
    assert!(off("/verification/newton/slope") < 0.5 * off("/verification/slope"));
    assert!(run.number("/verification/newton/pearson") > run.number("/verification/pearson"));
    assert!(run.stdout.contains("Newton estimates of 12 of 12 removals"));
    let pairs = run.record["verification"]["pairs"].as_array();
    assert!(
        pairs
            .ok_or("no pairs")?
            .iter()
            .all(|it| it["newton"].is_f64())
    );
    assert_eq!(
        run.record["settings"]["newton"]["removals"]
            .as_array()
            .map(Vec::len),
        Some(12)
    );
    let top = String::from_utf8(run.file("top.csv")?)?;
    let mut corrected = 0;
    for line in top.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let [newton, leverage] = [cells[10], cells[11]];
        assert_eq!(newton.is_empty(), leverage.is_empty());
        if !newton.is_empty() {
            corrected += 1;
            let (score, newton): (f64, f64) = (cells[5].parse()?, newton.parse()?);
            let leverage: f64 = leverage.parse()?;
            assert!((0.0..1.0).contains(&leverage) && newton.is_finite() && score != newton);
        }
    }
    assert!(corrected >= 8, "{top}");

    // The same of every training example, and the leverages of all together are the parameters that the data settle.
    let all = place.explain(
        &format!("{CANCER} --queries 3 --verify none --newton all"),
        "all",
    )?;
    assert!(
        all.stdout
            .contains("leverage: exact, through a dense matrix of 31 x 31")
    );
    let table = String::from_utf8(all.file("leverage.csv")?)?;
    let mut lines = table.lines();
    let head = "rank,train,label,leverage,total_leverage,newton_3,file,row";
    assert_eq!(lines.next(), Some(head));
    let mut effective = 0.0;
    for line in lines {
        let cells: Vec<&str> = line.split(',').collect();
        let [leverage, newton] = [cells[3].parse::<f64>()?, cells[5].parse::<f64>()?];
        let score = all.scores[0][cells[1].parse::<usize>()?];
        effective += leverage;
        // One output: the correction is a factor.
        let corrected = score / (1.0 - leverage);
        assert!(
            (newton - corrected).abs() <= 1e-4 * corrected.abs() + 1e-12,
            "{line}: {score}"
        );
    }
    assert!((1.0..31.0).contains(&effective), "{effective}");
    let sums = String::from_utf8(all.file("SHA256SUMS")?)?;
    assert!(sums.contains("leverage.csv"), "{sums}");

    let without = place.explain(&format!("{mlp} --newton none"), "none")?;
    assert_eq!(without.scores, run.scores);
    assert_eq!(without.record["verification"].get("newton"), None);
    assert!(!without.stdout.contains("Newton"));
    let top = String::from_utf8(without.file("top.csv")?)?;
    assert!(
        top.starts_with("query,rank,kind,train,label,score,file,row,query_file,query_row,bound\n")
    );
    Ok(())
}

#[test]
fn the_queries_named_are_the_ones_explained() -> Outcome {
    let place = Place::new()?;
    let run = place.explain(&format!("{CANCER} --queries 17,3"), "out")?;
    assert_consistent(&run)?;
    assert_eq!(run.queries, [17, 3]);
    let html = String::from_utf8(run.file(Report::FILE)?)?;
    assert!(html.contains("17") && !run.stdout.contains("query 0:"));
    Ok(())
}

/// Scores by products in 16 bits are near those in 32, and how near derivatives are is said and kept.
#[test]
fn products_in_16_bits_tell_what_they_cost() -> Outcome {
    let place = Place::new()?;
    let exact = place.explain(CANCER, "f32")?;
    assert_eq!(exact.record["settings"]["products"], json!("f32"));
    assert_eq!(exact.record["settings"].get("products_errors"), None);
    for (products, most) in [("f16", 1e-3), ("bf16", 0.02)] {
        let run = place.explain(&format!("{CANCER} --products {products}"), products)?;
        assert_consistent(&run)?;
        let errors =
            ["gradient", "gnvp"].map(|of| run.number(&format!("/settings/products_errors/{of}")));
        for error in errors {
            assert!(error > 0.0 && error < most, "{products}: {error}");
        }
        let said = format!("matrix products in {products}: the training loss's gradient is off by");
        assert!(run.stdout.contains(&said), "{}", run.stdout);
        // The solver's tolerance adds to that.
        let apart = run.difference(&exact);
        assert!(apart > 0.0 && apart < 0.1, "{products}: {apart}");
    }
    Ok(())
}

#[test]
fn solvers_agree() -> Outcome {
    let place = Place::new()?;
    let direct = place.explain(&format!("{CANCER} --solver direct"), "direct")?;
    assert_consistent(&direct)?;
    assert_eq!(direct.record["settings"]["solver"], json!("direct"));
    let cg = place.explain(&format!("{CANCER} --solver cg"), "cg")?;
    assert!(cg.difference(&direct) < 1e-3, "{}", cg.difference(&direct));
    // A stochastic recursion: close to the solution, though perhaps not to its tolerance, which it then says.
    let lissa = place.explain(&format!("{CANCER} --solver lissa"), "lissa")?;
    assert_eq!(lissa.record["settings"]["solver"], json!("lissa"));
    assert!(
        lissa.difference(&direct) < 0.3,
        "{}",
        lissa.difference(&direct)
    );

    // More damping, smaller scores.
    let damped = place.explain(&format!("{CANCER} --damping 10"), "damped")?;
    assert_eq!(damped.number("/settings/damping"), 10.0);
    let largest = |run: &Run| {
        run.scores[0]
            .iter()
            .fold(0.0_f64, |max, x| max.max(x.abs()))
    };
    assert!(largest(&damped) < 0.1 * largest(&cg));
    Ok(())
}

#[test]
fn devices_agree() -> Outcome {
    let place = Place::new()?;
    let flex = place.explain(CANCER, "flex")?;
    if cfg!(feature = "ndarray") {
        let ndarray = place.explain(&format!("{CANCER} --device ndarray"), "ndarray")?;
        assert_eq!(ndarray.record["settings"]["device"], json!("ndarray"));
        assert!(
            ndarray.difference(&flex) < 1e-3,
            "{}",
            ndarray.difference(&flex)
        );
    }
    let listed = place.backdraft("devices").assert().success();
    let listed = String::from_utf8(listed.get_output().stdout.clone())?;
    if cfg!(feature = "wgpu") && !listed.contains("wgpu     none here") {
        // Trained in f32, to a gradient of 1e-5: the queries are named, as close losses may swap places.
        let queries: Vec<String> = flex.queries.iter().map(i64::to_string).collect();
        let queries = queries.join(",");
        // `compare` holds responses too: each kernel that a driver in software compiles takes long.
        let less = "--verify none --newton none";
        let arguments = format!("{CANCER} --device wgpu --queries {queries} {less}");
        let wgpu = place.explain(&arguments, "wgpu")?;
        assert!(wgpu.difference(&flex) < 1e-2, "{}", wgpu.difference(&flex));
    }
    Ok(())
}

#[test]
fn pictures_are_read_gzipped_or_not() -> Outcome {
    let place = Place::new()?;
    write_pictures(&place, "plain", false)?;
    write_pictures(&place, "packed", true)?;
    let plain = place.explain("--model lr --data plain --queries 0,59", "a")?;
    assert_consistent(&plain)?;
    assert_eq!(plain.scores[0].len(), TRAIN);
    assert!(plain.number("/metrics/test/accuracy") > 0.95);
    assert!(plain.number("/verification/pearson") > 0.95);
    let packed = place.explain("--model lr --data packed/ --queries 0,59", "b")?;
    // The files name their sources, which differ.
    assert_eq!(
        (packed.scores, packed.queries),
        (plain.scores, plain.queries)
    );
    Ok(())
}

#[test]
fn a_network_is_explained() -> Outcome {
    let place = Place::new()?;
    write_pictures(&place, "pictures", true)?;
    let arguments = "--data pictures --damping 0.01 --queries 7 --hidden 9 --activation tanh";
    let run = place.explain(arguments, "out")?;
    assert_consistent(&run)?;
    // 64 pixels, 9 hidden units, 3 classes.
    assert_eq!(run.number("/sizes/parameters"), (65 * 9 + 10 * 3) as f64);
    assert_eq!(run.record["settings"]["model"], json!("mlp"));
    assert!(run.number("/metrics/test/accuracy") > 0.95);
    assert!(run.number("/verification/pearson") > 0.9);
    Ok(())
}

#[test]
fn tables_are_read_and_their_task_is_told() -> Outcome {
    let place = Place::new()?;
    place.write("concrete.csv", data::regression())?;
    place.write(
        "flowers/iris.csv.gz",
        gzip(data::classification().as_bytes()),
    )?;

    let run = place.explain("--model lr --data concrete.csv --target strength", "a")?;
    assert_consistent(&run)?;
    let inference = "`strength` holds numbers with fractions: regression";
    assert!(
        run.stdout.lines().any(|line| line == inference),
        "{}",
        run.stdout
    );
    assert_eq!(run.record["settings"]["inference"], json!(inference));
    assert_eq!(run.record["metrics"]["test"]["accuracy"], Value::Null);
    assert!(run.number("/verification/pearson") > 0.95);

    // A folder with one table in it.
    let run = place.explain("--model lr --data flowers --target species", "b")?;
    assert_consistent(&run)?;
    let inference = "`species` holds 3 different texts: classification";
    assert!(
        run.stdout.lines().any(|line| line == inference),
        "{}",
        run.stdout
    );
    assert!(
        run.top
            .iter()
            .all(|it| ["setosa", "versicolor", "virginica"].contains(&it.4.as_str()))
    );
    assert!(run.number("/verification/pearson") > 0.95);
    Ok(())
}
