//! Columns that are no numbers: names of examples, categories, dates, and columns that are left out; and what separates
//! columns.

use std::fs;
use std::path::PathBuf;

use backdraft_models::data::{
    Categories, CellProblem, DataError, DataProblem, Dataset, LoadOptions, Place, PlaceColumns,
    Refusal, Rescale, ScalingRule, TableOptions, TableProblem, load_with,
};
use backdraft_test_support::gzip;
use tempfile::TempDir;

use crate::problem;

const HEAD: &str = "person,age,work,member,joined,income";
const WORK: [&str; 3] = ["Private", "Self-emp", "State-gov"];

/// Thirty people as in the census table that is called Adult: an id, a number, a category, a flag, a date.
fn people() -> Vec<String> {
    let row = |row: usize| {
        format!(
            "P{row:03},{},{},{},2019-{:02}-07,{}",
            20 + row,
            WORK[row % 3],
            if row.is_multiple_of(2) {
                "True"
            } else {
                "False"
            },
            1 + row % 12,
            [">50K", "<=50K"][(row / 2) % 2]
        )
    };
    (0..30).map(row).collect()
}

fn text(rows: &[String]) -> String {
    format!("{HEAD}\n{}\n", rows.join("\n"))
}

fn write(name: &str, bytes: impl AsRef<[u8]>) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

/// Names by `person`, without the dates.
fn options() -> LoadOptions {
    LoadOptions {
        target: Some("income".to_owned()),
        table: TableOptions {
            id: Some("person".to_owned()),
            ignore: vec!["joined".to_owned()],
            ..TableOptions::default()
        },
        ..LoadOptions::default()
    }
}

fn with(change: impl FnOnce(&mut TableOptions)) -> LoadOptions {
    let mut options = options();
    change(&mut options.table);
    options
}

fn read(text: &str, options: &LoadOptions) -> Result<Dataset, DataError> {
    let (_folder, path) = write("people.csv", text);
    load_with(path, options)
}

fn refused(text: &str, options: &LoadOptions) -> TableProblem {
    match problem(read(text, options)) {
        Some(DataProblem::Table(problem)) => problem,
        other => panic!("{other:?}"),
    }
}

/// Where examples stand, and their inputs in the source's units.
fn examples(data: &Dataset) -> Vec<(Place, Vec<f64>)> {
    let train = (0..data.train.rows).map(|row| (data.train_place(row), data.train.row(row)));
    let test = (0..data.test.rows).map(|row| (data.test_place(row), data.test.row(row)));
    train
        .chain(test)
        .map(|(place, row)| (place, data.original_inputs(row)))
        .collect()
}

#[test]
fn categories_become_inputs_and_ids_go_along() {
    let data = read(&text(&people()), &options()).unwrap();
    let inputs = [
        "age",
        "work=Private",
        "work=Self-emp",
        "work=State-gov",
        "member",
    ];
    assert_eq!(data.features, inputs);
    assert_eq!(data.train.columns, 5);
    assert_eq!(data.task.classes(), ["<=50K", ">50K"]);
    for (place, found) in examples(&data) {
        let id = place.id.clone().unwrap();
        let row: usize = id[1..].parse().unwrap();
        assert_eq!(
            place.at.unwrap().number(),
            row as u64 + 2,
            "the line of {id}"
        );
        assert!(
            place
                .to_string()
                .ends_with(&format!("line {}, id {id}", row + 2))
        );
        let mut expected = vec![
            20.0 + row as f64,
            0.0,
            0.0,
            0.0,
            f64::from(row.is_multiple_of(2)),
        ];
        expected[1 + row % 3] = 1.0;
        assert_eq!(found, expected, "{id}");
    }
    // What is 1 or 0 is read so; the number is standardised.
    let scaling = data.input_scaling.as_ref().unwrap();
    assert_eq!(scaling.rule, ScalingRule::Standardised);
    for moments in &scaling.moments[1..] {
        assert_eq!((moments.mean, moments.std), (0.0, 1.0));
    }
    assert!(scaling.moments[0].std > 5.0);
    let reading = &data.reading;
    assert_eq!(reading.id.as_deref(), Some("person"));
    assert_eq!(reading.ignored, ["joined"]);
    assert_eq!(reading.categorical.len(), 1);
    assert_eq!(reading.categorical[0].values, WORK);
    assert!(reading.warnings.is_empty());
    let told =
        "`work` holds 3 categories, an input each: work=Private, work=Self-emp, work=State-gov";
    assert!(
        reading.notes.iter().any(|note| note == told),
        "{:?}",
        reading.notes
    );
}

#[test]
fn places_are_columns_of_tables() {
    let data = read(&text(&people()), &options()).unwrap();
    let places: Vec<Place> = (0..3).map(|row| data.train_place(row)).collect();
    let columns = PlaceColumns::of(&places);
    assert_eq!(columns.head().collect::<Vec<_>>(), ["file", "line", "id"]);
    let cells: Vec<String> = columns.cells(&places[1]).collect();
    assert_eq!(cells[2], places[1].id.clone().unwrap());
    // A place without a name, beside others with one, as records from before have it.
    let json = serde_json::to_string(&places[0]).unwrap();
    let (before, _) = json.split_once(",\"id\"").unwrap();
    let old: Place = serde_json::from_str(&format!("{before}}}")).unwrap();
    assert_eq!(old.id, None);
    assert_eq!(columns.cells(&old).last().unwrap(), "");
    let columns = PlaceColumns::of([&old]);
    assert_eq!(columns.head().collect::<Vec<_>>(), ["file", "line"]);
}

#[test]
fn repeated_ids_are_warned_of() {
    let mut rows = people();
    rows[7] = rows[7].replace("P007", "P003");
    let data = read(&text(&rows), &options()).unwrap();
    let [warning] = data.reading.warnings.as_slice() else {
        panic!("{:?}", data.reading.warnings)
    };
    assert!(
        warning.contains("`person` names 30 examples by 29 ids"),
        "{warning}"
    );
    assert!(
        warning.contains("`P003` both") && warning.contains("line 5 and"),
        "{warning}"
    );
    rows[7] = rows[7].replace("P003", "");
    assert!(matches!(
        refused(&text(&rows), &options()),
        TableProblem::Cell { line: 9, column, problem: CellProblem::Missing { .. } } if column == "person"
    ));
}

/// Of a category that only a test row has, no input is 1, and that is said; so it is where a network knows others.
#[test]
fn unknown_categories_are_warned_of() {
    let data = read(&text(&people()), &options()).unwrap();
    let held_out = data.test.origin[0];
    let mut rows = people();
    rows[held_out] = rows[held_out].replace(WORK[held_out % 3], "Farming");
    let other = read(&text(&rows), &options()).unwrap();
    assert_eq!(other.features, data.features);
    let found = examples(&other);
    let (_, row) = found
        .iter()
        .find(|it| it.0.at.unwrap().number() == held_out as u64 + 2)
        .unwrap();
    assert_eq!(row[1..4], [0.0; 3]);
    let warning = &other.reading.warnings[0];
    assert!(warning.contains("`work`: 1 example(s)"), "{warning}");
    assert!(
        warning.contains("`Farming` (") && warning.contains("training part has not"),
        "{warning}"
    );

    let known = Categories {
        column: "work".to_owned(),
        values: ["State-gov", "Private", "Never"]
            .map(str::to_owned)
            .to_vec(),
    };
    let known = with(|table| table.categories = vec![known]);
    let data = read(&text(&people()), &known).unwrap();
    assert_eq!(
        data.features[1..4],
        ["work=State-gov", "work=Private", "work=Never"]
    );
    let warning = &data.reading.warnings[0];
    assert!(
        warning.contains("10 example(s)") && warning.contains("the network has not"),
        "{warning}"
    );
}

#[test]
fn numbers_may_be_categories() {
    let age = with(|table| table.categorical = vec!["age".to_owned()]);
    let data = read(&text(&people()), &age).unwrap();
    let ages = &data.reading.categorical[0].values;
    assert_eq!(ages.len(), data.train.rows);
    assert!(ages.is_sorted());
    // In the order of numbers, and of `1.0` and `1` one.
    let rows: Vec<String> = people()
        .iter()
        .zip(["9", "10", "9.0"].iter().cycle())
        .map(|(row, age)| {
            let cells: Vec<&str> = row.split(',').collect();
            format!("{},{age},{}", cells[0], cells[2..].join(","))
        })
        .collect();
    let data = read(&text(&rows), &age).unwrap();
    assert_eq!(data.features[..2], ["age=9", "age=10"]);
    // A sign for a missing value is one if it was said so.
    let mut rows = people();
    rows[4] = rows[4].replace(WORK[1], "?");
    assert!(matches!(
        refused(&text(&rows), &options()),
        TableProblem::Cell { line: 6, column, problem: CellProblem::Missing { .. } } if column == "work"
    ));
    let work = with(|table| table.categorical = vec!["work".to_owned()]);
    let held_out = read(&text(&people()), &options()).unwrap().test.origin;
    let data = read(&text(&rows), &work).unwrap();
    let expected = if held_out.contains(&4) { 3 } else { 4 };
    assert_eq!(data.reading.categorical[0].values.len(), expected);
}

#[test]
fn what_is_no_category_is_refused() {
    let all = with(|table| table.ignore.clear());
    let error = read(&text(&people()), &all).unwrap_err().to_string();
    let told = "the column `joined` holds dates or times, such as `2019-01-07`, which a network cannot read; leave it out";
    assert!(error.contains(told), "{error}");
    let unnamed = with(|table| table.id = None);
    assert!(matches!(
        refused(&text(&people()), &unnamed),
        TableProblem::TooManyCategories { column, categories: 30, rows: 30 } if column == "person"
    ));
    // As many as one likes where they are named.
    let named = with(|table| {
        table.categorical = vec!["person".to_owned()];
        table.id = None;
    });
    assert!(read(&text(&people()), &named).unwrap().train.columns > 20);
    let joined = LoadOptions {
        target: Some("joined".to_owned()),
        table: TableOptions::default(),
        ..options()
    };
    assert!(matches!(
        refused(&text(&people()), &joined),
        TableProblem::Dates { .. }
    ));
}

#[test]
fn columns_are_known_by_name() {
    let slip = with(|table| table.ignore.push("werk".to_owned()));
    let error = read(&text(&people()), &slip).unwrap_err().to_string();
    assert!(
        error.contains("there is no column `werk` to leave out; the columns are person, "),
        "{error}"
    );
    assert!(error.ends_with("(did you mean `work`?)"), "{error}");
    for change in [
        (|table| table.id = Some("Persson".to_owned())) as fn(&mut TableOptions),
        |table| table.categorical = vec!["PERSON".to_owned()],
    ] {
        let error = read(&text(&people()), &with(change))
            .unwrap_err()
            .to_string();
        assert!(error.ends_with("(did you mean `person`?)"), "{error}");
    }
    let twice = with(|table| table.ignore.push("income".to_owned()));
    assert!(matches!(
        refused(&text(&people()), &twice),
        TableProblem::TwoRoles { column, asked: ["to predict", "to leave out"] } if column == "income"
    ));
    // What has no columns has none to leave out.
    let options = LoadOptions {
        target: None,
        ..options()
    };
    assert!(matches!(
        problem(load_with("digits", &options)),
        Some(DataProblem::Refused(Refusal::Columns(column))) if column == "person"
    ));
}

#[test]
fn separators_are_found() {
    let plain = read(&text(&people()), &options()).unwrap();
    for (separator, name) in [
        (";", "people.csv"),
        ("\t", "people.txt"),
        ("|", "people.csv"),
        ("\t", "people.tsv"),
    ] {
        let rows = text(&people()).replace(',', separator);
        let (_folder, path) = write(name, rows);
        let data = load_with(&path, &options()).unwrap();
        assert_eq!(
            (&data.train, &data.features),
            (&plain.train, &plain.features)
        );
        assert!(data.reading.notes[0].starts_with("columns are separated by"));
        assert_eq!(
            data.name,
            if name.ends_with("txt") {
                "people.txt"
            } else {
                "people"
            }
        );
    }
    // A mark before the text, ends of lines of two characters, quotes with what separates in them, gzip.
    let quoted = text(&people())
        .replace("Private", "\"Private, or so\"")
        .replace(',', ";");
    let quoted = quoted.replace("\"Private; or so\"", "\"Private; \"\"or\"\" so\"");
    let bytes = gzip(format!("\u{feff}{}", quoted.replace('\n', "\r\n")).as_bytes());
    let (_folder, path) = write("people.csv.gz", bytes);
    let data = load_with(&path, &options()).unwrap();
    assert_eq!(data.train, plain.train);
    assert_eq!(data.features[1], "work=Private; \"or\" so");
    // One that is not looked for, and one that is not there.
    let rows = text(&people()).replace(',', "^");
    let hat = with(|table| table.separator = Some(b'^'));
    assert_eq!(read(&rows, &hat).unwrap().train, plain.train);
    assert!(matches!(
        refused(&rows, &options()),
        TableProblem::UnknownTarget { .. }
    ));
    // A folder may hold one table of either kind.
    let (folder, _path) = write("people.tsv", text(&people()).replace(',', "\t"));
    assert_eq!(
        load_with(folder.path(), &options()).unwrap().train,
        plain.train
    );
}

#[test]
fn decimal_commas_are_told() {
    let rows = text(&people()).replace(',', ";").replace(";2", ";2,");
    let error = read(&rows, &options()).unwrap_err().to_string();
    assert!(
        error.contains(
            "line 2, column `age`: `2,0` has a comma; write numbers with a decimal point"
        ),
        "{error}"
    );
    // A target of such numbers is no list of classes.
    let rows = people()
        .into_iter()
        .map(|row| row.replace(">50K", "1,5").replace("<=50K", "2,5"));
    let rows: Vec<String> = rows.map(|row| row.replacen(',', ";", 5)).collect();
    let rows = format!("{}\n{}\n", HEAD.replace(',', ";"), rows.join("\n"));
    assert!(matches!(
        refused(&rows, &options()),
        TableProblem::Cell { line: 2, column, problem: CellProblem::DecimalComma { .. } } if column == "income"
    ));
}

/// A table to test on has the same columns, the names too, and the categories of the training part.
#[test]
fn a_table_to_test_on_is_read_alike() {
    let rows = people();
    let (folder, path) = write("people.csv", text(&rows[..20]));
    let test = folder.path().join("test.csv");
    let other: Vec<String> = rows[20..]
        .iter()
        .map(|row| row.replace("State-gov", "Farming"))
        .collect();
    fs::write(&test, text(&other)).unwrap();
    let tested = LoadOptions {
        test: Some(test.clone()),
        inputs: Some(Rescale::Raw),
        ..options()
    };
    let data = load_with(&path, &tested).unwrap();
    assert_eq!((data.train.rows, data.test.rows), (20, 10));
    assert_eq!(
        data.features[1..4],
        ["work=Private", "work=Self-emp", "work=State-gov"]
    );
    assert_eq!(data.test_place(3).id.as_deref(), Some("P023"));
    assert_eq!(data.train_place(3).id.as_deref(), Some("P003"));
    assert_eq!(data.test.row(0)[1..4], [0.0, 0.0, 0.0]);
    assert!(
        data.reading.warnings[0].contains("test.csv line 2"),
        "{:?}",
        data.reading.warnings
    );
    let numbers: String = text(&rows[20..]);
    let numbers = WORK
        .iter()
        .fold(numbers, |text, name| text.replace(name, "7"));
    fs::write(&test, numbers).unwrap();
    let error = load_with(&path, &tested).unwrap_err().to_string();
    assert!(
        error.contains("its `work` holds numbers where the other holds text"),
        "{error}"
    );
}
