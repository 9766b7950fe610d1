//! What is done to inputs and targets, which examples are tested, and what targets are taken for.

use std::fs;
use std::path::PathBuf;

use backdraft_models::data::{
    At, CellProblem, DataProblem, Dataset, Division, LoadOptions, Moments, MomentsOf, Refusal,
    Rescale, SPLIT_SEED, Scaling, ScalingProblem, ScalingRule, TableProblem, Targets, Task,
    TaskKind, cancer, digits, load_with,
};
use tempfile::TempDir;

use crate::problem;

/// Twelve rows: `a` from -6 to 5, `b` ten times its square, `c` 3 throughout; the target is `a` and a quarter.
fn rows(columns: &str, last: impl Fn(i32) -> String) -> String {
    let row = |a: i32| format!("{a},{},3,{}.25{}\n", 10 * a * a, a + 6, last(a));
    let rows: String = (-6..6).map(row).collect();
    format!("{columns}\n{rows}")
}

fn table() -> (TempDir, PathBuf) {
    write(&rows("a,b,c,y", |_| String::new()))
}

fn write(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.csv");
    fs::write(&path, text).unwrap();
    (folder, path)
}

fn options() -> LoadOptions {
    LoadOptions {
        target: Some("y".to_owned()),
        ..LoadOptions::default()
    }
}

fn values(targets: &Targets) -> &[f32] {
    match targets {
        Targets::Values(values) => values,
        _ => panic!("numbers were expected"),
    }
}

/// The columns of the training part.
fn columns(data: &Dataset) -> [Vec<f32>; 3] {
    [0, 1, 2].map(|column| {
        let rows = 0..data.train.rows;
        rows.map(|row| data.train.row(row)[column]).collect()
    })
}

/// Of each row of the source the numbers in `data`, restored.
fn restored(data: &Dataset) -> Vec<(usize, Vec<f64>, f64)> {
    let (inputs, target) = (&data.input_scaling, &data.target_scaling);
    let mut found = Vec::new();
    for split in [&data.train, &data.test] {
        for (row, &origin) in split.origin.iter().enumerate() {
            let own = inputs.as_ref().unwrap().restore(split.row(row));
            let value = values(&split.targets)[row];
            let value = target.as_ref().unwrap().restore(&[value])[0];
            found.push((origin, own, value));
        }
    }
    found.sort_by_key(|row| row.0);
    found
}

#[test]
fn every_scaling_leads_back_to_the_table() {
    let (_folder, path) = table();
    let moments = |mean, std| Moments { mean, std };
    let given = Rescale::Fixed(Scaling::given(vec![
        moments(0.5, 0.7),
        moments(-3.0, 300.0),
        moments(1.0, 2.0),
    ]));
    let one = Rescale::Fixed(Scaling::given(vec![moments(0.1, 3.0)]));
    let rules = [Rescale::Raw, Rescale::Unit, Rescale::Standardised, given];
    for inputs in rules.into_iter().chain([one.clone()]) {
        for targets in [
            Rescale::Raw,
            Rescale::Unit,
            Rescale::Standardised,
            one.clone(),
        ] {
            let options = LoadOptions {
                inputs: Some(inputs.clone()),
                targets: Some(targets),
                ..options()
            };
            let data = load_with(&path, &options).unwrap();
            let restored = restored(&data);
            assert_eq!(restored.len(), 12);
            for (origin, own, value) in restored {
                let a = origin as f64 - 6.0;
                assert_eq!(own, [a, 10.0 * a * a, 3.0], "{inputs:?}");
                assert_eq!(value, origin as f64 + 0.25);
            }
        }
    }
}

#[test]
fn moments_may_be_those_of_all_rows() {
    let (_folder, path) = table();
    let options = LoadOptions {
        inputs: Some(Rescale::Unit),
        targets: Some(Rescale::Standardised),
        moments: MomentsOf::All,
        ..options()
    };
    let data = load_with(&path, &options).unwrap();
    let inputs = data.input_scaling.clone().unwrap();
    assert_eq!(inputs.of, MomentsOf::All);
    // Of all twelve rows, whichever are held out.
    let largest: Vec<f64> = inputs.moments.iter().map(|it| it.std).collect();
    assert_eq!(largest, [6.0, 360.0, 3.0]);
    let targets = data.target_scaling.clone().unwrap();
    assert_eq!(targets.of, MomentsOf::All);
    assert_eq!(targets.moments[0].mean, 5.75);
    assert_eq!(restored(&data).len(), 12);
    // What nothing is measured for is nobody's.
    let raw = LoadOptions {
        inputs: Some(Rescale::Raw),
        ..options
    };
    let data = load_with(&path, &raw).unwrap();
    assert_eq!(data.input_scaling.unwrap().of, MomentsOf::Train);
}

#[test]
fn columns_are_scaled_by_the_training_part() {
    let (_folder, path) = table();
    let read = |inputs| {
        let options = LoadOptions {
            inputs: Some(inputs),
            ..options()
        };
        load_with(&path, &options).unwrap()
    };
    let raw = read(Rescale::Raw);
    let [a, b, c] = columns(&raw);
    let own: Vec<f32> = raw
        .train
        .origin
        .iter()
        .map(|&row| row as f32 - 6.0)
        .collect();
    assert_eq!((&a, &c), (&own, &vec![3.0; a.len()]));

    let highest = |column: &[f32]| column.iter().map(|x| x.abs()).fold(0.0, f32::max);
    let unit = read(Rescale::Unit);
    let expected = [&a, &b, &c].map(|column| -> Vec<f32> {
        let std = f64::from(highest(column));
        column
            .iter()
            .map(|&x| (f64::from(x) / std) as f32)
            .collect()
    });
    assert_eq!(columns(&unit), expected);

    let given = Scaling::given(vec![Moments {
        mean: 1.0,
        std: 4.0,
    }]);
    let found = columns(&read(Rescale::Fixed(given)));
    let expected =
        [&a, &b, &c].map(|column| -> Vec<f32> { column.iter().map(|x| (x - 1.0) / 4.0).collect() });
    assert_eq!(found, expected);

    // A scaling of another data set's rows is taken as it is: a constant column has a deviation of 0 there.
    let kept = read(Rescale::Standardised).input_scaling.unwrap();
    assert_eq!(
        (kept.rule, kept.moments[2].std),
        (ScalingRule::Standardised, 0.0)
    );
    let again = read(Rescale::Fixed(kept.clone()));
    assert_eq!(again.train, read(Rescale::Standardised).train);
    assert_eq!(again.input_scaling, Some(kept));
}

#[test]
fn pixels_are_scaled_as_torchvision_does() {
    let read = |inputs| {
        let options = LoadOptions {
            inputs: Some(inputs),
            ..LoadOptions::default()
        };
        load_with("digits", &options).unwrap()
    };
    let unit = digits();
    let raw = read(Rescale::Raw);
    let sixteen: Vec<f32> = unit.train.features.iter().map(|x| 16.0 * x).collect();
    assert_eq!(raw.train.features, sixteen);
    let normalize = Scaling::given(vec![Moments {
        mean: 0.25,
        std: 0.5,
    }]);
    let given = read(Rescale::Fixed(normalize));
    let expected: Vec<f32> = unit
        .test
        .features
        .iter()
        .map(|x| (x - 0.25) / 0.5)
        .collect();
    assert_eq!(given.test.features, expected);
    let standardised = read(Rescale::Standardised);
    let count = standardised.train.features.len() as f64;
    let features = || standardised.train.features.iter().map(|&x| f64::from(x));
    let mean = features().sum::<f64>() / count;
    let square = features().map(|x| x * x).sum::<f64>() / count;
    assert!(
        mean.abs() < 1e-7 && (square - 1.0).abs() < 1e-6,
        "{mean} {square}"
    );
    // Whatever was done, the pixels of the source are those of the unit interval.
    for data in [&raw, &given, &standardised] {
        let own = data
            .input_scaling
            .as_ref()
            .unwrap()
            .restore(data.test.row(3));
        assert_eq!(
            own,
            unit.test
                .row(3)
                .iter()
                .map(|&x| f64::from(x))
                .collect::<Vec<_>>()
        );
    }
}

#[test]
fn moments_that_make_no_sense_are_refused() {
    let (_folder, path) = table();
    let problem = |moments: Vec<Moments>| {
        let options = LoadOptions {
            inputs: Some(Rescale::Fixed(Scaling::given(moments))),
            ..options()
        };
        match crate::problem(load_with(&path, &options)) {
            Some(DataProblem::Refused(Refusal::Scaling(problem))) => problem,
            other => panic!("{other:?}"),
        }
    };
    let moments = |mean, std| Moments { mean, std };
    assert_eq!(
        problem(vec![moments(0.0, 1.0); 2]),
        ScalingProblem::Count {
            given: 2,
            needed: 3,
            of: "columns"
        }
    );
    for wrong in [
        moments(0.0, 0.0),
        moments(0.0, -1.0),
        moments(f64::INFINITY, 1.0),
    ] {
        let found = problem(vec![Moments::IDENTITY, wrong, Moments::IDENTITY]);
        assert!(
            matches!(found, ScalingProblem::Moments { place: 1, .. }),
            "{found:?}"
        );
    }
    let nan = problem(vec![moments(f64::NAN, 1.0)]);
    assert!(nan.to_string().contains("is NaN and 1"), "{nan}");
    let tiny = problem(vec![moments(0.0, 1e-300)]);
    assert!(matches!(tiny, ScalingProblem::Overflow { .. }), "{tiny:?}");
}

#[test]
fn the_drawn_part_says_its_seed() {
    let drawn = Division::Drawn {
        seed: SPLIT_SEED,
        one_of: 5,
    };
    assert_eq!(cancer().division, drawn);
    assert_eq!(
        drawn.to_string(),
        "one example of 5 held out for testing, drawn by seed 2022"
    );
}

#[test]
fn a_column_tells_the_parts() {
    let part = |a: i32| [",train", ", Test", ",valid"][a.rem_euclid(3) as usize].to_owned();
    let (_folder, path) = write(&rows("a,b,c,y,part", part));
    let options = LoadOptions {
        split: Some("part".to_owned()),
        ..options()
    };
    let data = load_with(&path, &options).unwrap();
    assert_eq!(data.features, ["a", "b", "c"]);
    let name = "part".to_owned();
    assert_eq!(data.division, Division::Column { name });
    assert_eq!(data.train.origin, [0, 3, 6, 9]);
    assert_eq!(data.test.origin, [1, 4, 7, 10]);
    assert_eq!(data.valid.unwrap().origin, [2, 5, 8, 11]);

    for (text, problem) in [
        ("", "missing"),
        ("tset", "none of `train`, `valid` and `test`"),
    ] {
        let (_folder, path) = write(&rows("a,b,c,y,part", |a| match a {
            2 => format!(",{text}"),
            a => part(a),
        }));
        let error = load_with(&path, &options).unwrap_err().to_string();
        assert!(
            error.contains("line 10, column `part`") && error.contains(problem),
            "{error}"
        );
    }
    for (split, only) in [("y", false), ("nowhere", false), ("part", true)] {
        let (_folder, path) = write(&rows("a,b,c,y,part", |_| ",train".to_owned()));
        let options = LoadOptions {
            split: Some(split.to_owned()),
            ..self::options()
        };
        let error = load_with(&path, &options).unwrap_err();
        match error.problem {
            DataProblem::Table(TableProblem::UnknownSplit { column, .. }) => {
                assert!(!only && column == split)
            }
            DataProblem::EmptyPart { part, .. } => assert!(only && part == "test"),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn a_table_to_test_on_may_have_its_columns_in_another_order() {
    let (_folder, path) = table();
    let (_other, test) = write("y,c,a,b\n1.5,4,7,8\n2.5,4,-7,9\n");
    let options = LoadOptions {
        test: Some(test.clone()),
        inputs: Some(Rescale::Raw),
        targets: Some(Rescale::Raw),
        ..options()
    };
    let data = load_with(&path, &options).unwrap();
    assert_eq!((data.train.rows, data.test.rows), (12, 2));
    assert_eq!(data.test.features, [7.0, 8.0, 4.0, -7.0, 9.0, 4.0]);
    assert_eq!(values(&data.test.targets), [1.5, 2.5]);
    assert_eq!(data.test.origin, [0, 1]);
    assert_eq!(data.division, Division::Test { path: test });

    for (text, problem) in [
        ("a,b,y\n1,2,3\n", "it has no `c`"),
        ("a,b,c,d,y\n1,2,3,4,5\n", "it has `d` beside them"),
        (
            "a,b,c,y\n1,2,3,high\n",
            "line 2, column `y`: `high` is text",
        ),
    ] {
        let (_other, test) = write(text);
        let options = LoadOptions {
            test: Some(test.clone()),
            ..self::options()
        };
        let error = load_with(&path, &options).unwrap_err().to_string();
        assert!(
            error.contains(problem) && error.contains(&*test.to_string_lossy()),
            "{error}"
        );
    }
    let both = LoadOptions {
        split: Some("a".to_owned()),
        ..options
    };
    assert!(matches!(
        problem(load_with(&path, &both)),
        Some(DataProblem::Refused(Refusal::TwoDivisions))
    ));
}

#[test]
fn classes_are_those_of_the_training_part() {
    let (_folder, path) = write("x,y\n1,red\n2,blue\n3,red\n4,blue\n");
    let (_other, test) = write("x,y\n5,blue\n6,green\n");
    let options = LoadOptions {
        test: Some(test.clone()),
        task: Some(TaskKind::Classification),
        ..options()
    };
    let error = load_with(&path, &options).unwrap_err();
    assert!(
        error.path == test
            && matches!(&error.problem, DataProblem::Table(TableProblem::UnknownClass { at: At::Line(3), class, .. }) if class == "green"),
        "{error}"
    );
}

#[test]
fn the_task_can_be_told() {
    let task = |target: &dyn Fn(usize) -> String, task| {
        let rows: String = (0..20)
            .map(|row| format!("{row},{}\n", target(row)))
            .collect();
        let (_folder, path) = write(&format!("x,y\n{rows}"));
        let options = LoadOptions { task, ..options() };
        load_with(&path, &options)
    };
    let (regression, classification) = (Some(TaskKind::Regression), Some(TaskKind::Classification));
    // Whole numbers that are few, and grades that have fractions.
    let few = |row: usize| (row % 4).to_string();
    assert_eq!(task(&few, None).unwrap().task.outputs(), 4);
    assert_eq!(task(&few, regression).unwrap().task, Task::Regression);
    let grades = |row: usize| ["10.5", "-1", "9", "1e1"][row % 4].to_owned();
    let found = task(&grades, classification).unwrap();
    assert_eq!(found.task.classes(), ["-1", "9", "10", "10.5"]);
    assert_eq!(
        found.inference.as_deref(),
        Some("`y` holds 4 different values: classification, as asked for")
    );
    // What looks like a missing value may be a name, and a number one among other names.
    let names = |row: usize| ["none", "NA", "7"][row % 3].to_owned();
    let found = task(&names, classification).unwrap();
    assert_eq!(found.task.classes(), ["7", "NA", "none"]);
    assert!(matches!(
        problem(task(&names, None)),
        Some(DataProblem::Table(TableProblem::Cell {
            problem: CellProblem::Missing { .. },
            ..
        }))
    ));
    let two = |row: usize| ["-1", "1"][row % 2].to_owned();
    assert_eq!(task(&two, None).unwrap().task.classes(), ["-1", "1"]);
    let error = task(&names, regression).unwrap_err().to_string();
    assert!(error.contains("line 2, column `y`"), "{error}");
    let texts = |row: usize| ["low", "high"][row % 2].to_owned();
    assert!(matches!(
        problem(task(&texts, regression)),
        Some(DataProblem::Table(TableProblem::Cell {
            line: 2,
            problem: CellProblem::NotANumber { .. },
            ..
        }))
    ));
}

#[test]
fn two_classes_may_have_a_logit_each() {
    let task = cancer().task;
    assert_eq!(task.outputs(), 1);
    let wide = task.clone().with_logit_for_each();
    assert_eq!((wide.outputs(), wide.classes()), (2, task.classes()));
    assert_eq!(Task::Regression.with_logit_for_each(), Task::Regression);
}

#[test]
fn choices_that_a_source_has_not_are_refused() {
    let refused = |options: &LoadOptions| match crate::problem(load_with("cancer", options)) {
        Some(DataProblem::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    };
    let split = LoadOptions {
        split: Some("part".to_owned()),
        ..LoadOptions::default()
    };
    assert_eq!(refused(&split), Refusal::Split("part".to_owned()));
    let targets = LoadOptions {
        targets: Some(Rescale::Raw),
        ..LoadOptions::default()
    };
    assert_eq!(refused(&targets), Refusal::Classes);
}
