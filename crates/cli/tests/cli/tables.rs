//! Tables as people have them: names of examples, categories, dates, other separators.

use std::error::Error;
use std::fs;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use safetensors::SafeTensors;
use serde_json::{Value, json};

use crate::place::{Outcome, Place};
use crate::refusals::assert_refused;

const HEAD: &str = "person,age,education,hours,naturalised,interviewed,income";
const EDUCATION: [&str; 4] = ["HS-grad", "Some-college", "Bachelors", "Masters"];

/// A census like the one that is called Adult: 150 people, from number `first` on.
fn census(first: usize, educated: &[&str]) -> String {
    let mut rng = ChaCha8Rng::seed_from_u64(first as u64);
    let mut table = format!("{HEAD}\n");
    for row in 0..150 {
        let (age, hours) = (rng.random_range(18..70), rng.random_range(10..60));
        let place = rng.random_range(0..educated.len());
        let earned = age + hours + 20 * place + rng.random_range(0..30) > 110;
        table.push_str(&format!(
            "A-{},{age},{},{hours},{},{:02}/{:02}/1994,{}\n",
            first + row,
            educated[place],
            rng.random_bool(0.3),
            1 + row % 28,
            1 + row % 12,
            if earned { ">50K" } else { "<=50K" }
        ));
    }
    table
}

const ASKED: &str = "--model lr --target income --id person --ignore interviewed";

fn rows(
    place: &Place,
    file: &str,
) -> Result<(Vec<String>, Vec<csv::StringRecord>), Box<dyn Error>> {
    let mut reader = csv::Reader::from_path(place.path().join(file))?;
    let head = reader.headers()?.iter().map(String::from).collect();
    Ok((head, reader.records().collect::<Result<_, _>>()?))
}

/// That in each row of a table the name is that of the line.
fn assert_named(place: &Place, file: &str, columns: [&str; 2]) -> Outcome {
    let (head, rows) = rows(place, file)?;
    let column = |name: &str| {
        head.iter()
            .position(|it| it == name)
            .ok_or(format!("{file}: {head:?}"))
    };
    let (line, id) = (column(columns[0])?, column(columns[1])?);
    assert!(!rows.is_empty());
    for row in rows {
        let line: usize = row[line].parse()?;
        assert_eq!(row[id], format!("A-{}", 1000 + line - 2), "{file}");
    }
    Ok(())
}

#[test]
fn names_of_examples_go_to_every_output() -> Outcome {
    let place = Place::new()?;
    place.write("census.csv", census(1000, &EDUCATION))?;
    let run = place.explain(
        &format!("{ASKED} --data census.csv --queries 2,5 --self-influence"),
        "out",
    )?;
    for said in [
        "`education` holds 4 categories, an input each: education=Bachelors, education=HS-grad",
        "`naturalised` holds true and false: 1 and 0",
        "columns left out: interviewed",
    ] {
        assert!(run.stdout.contains(said), "{said}: {}", run.stdout);
    }
    assert_named(&place, "out/top.csv", ["line", "id"])?;
    assert_named(&place, "out/top.csv", ["query_line", "query_id"])?;
    assert_named(&place, "out/self-influence.csv", ["line", "id"])?;
    let bytes = fs::read(place.path().join("out/scores.safetensors"))?;
    let (_, header) = SafeTensors::read_metadata(&bytes)?;
    let metadata = header.metadata().as_ref().ok_or("no metadata")?;
    let ids: Vec<String> = serde_json::from_str(&metadata["train_ids"])?;
    assert_eq!(ids.len(), 120);
    assert!(ids.iter().all(|id| id.starts_with("A-")));
    let asked: Vec<String> = serde_json::from_str(&metadata["query_ids"])?;
    assert_eq!(asked.len(), 2);
    assert_eq!(run.record["queries"][0]["source"]["id"], json!(asked[0]));
    let columns = &run.record["settings"]["columns"];
    assert_eq!(columns["id"], "person");
    assert_eq!(columns["ignored"], json!(["interviewed"]));
    assert_eq!(columns["categorical"][0]["column"], "education");
    let report = fs::read_to_string(place.path().join("out/report.html"))?;
    assert!(report.contains(&format!("id {}", asked[1])));

    place
        .backdraft(&format!("audit {ASKED} --data census.csv --out audit"))
        .assert()
        .success();
    assert_named(&place, "audit/audit.csv", ["line", "id"])?;
    place
        .backdraft(&format!(
            "decompose {ASKED} --data census.csv --points 3 --out gaps"
        ))
        .assert()
        .success();
    let record: Value =
        serde_json::from_slice(&fs::read(place.path().join("gaps/decompose.json"))?)?;
    let text = record.to_string();
    assert!(text.contains("\"id\":\"A-1"), "{text}");
    Ok(())
}

/// The same weights read the same kind of table, whatever categories it happens to have, and another is refused.
#[test]
fn weights_know_their_categories() -> Outcome {
    let place = Place::new()?;
    place.write("census.csv", census(1000, &EDUCATION))?;
    // Bachelors are missing, and there are doctors.
    let others = ["HS-grad", "Some-college", "Masters", "Doctorate"];
    place.write("later.csv", census(5000, &others).replace(',', ";"))?;
    place
        .backdraft(&format!("train {ASKED} --data census.csv --out trained"))
        .assert()
        .success();
    let weights = "--weights trained/best.safetensors --queries 1";
    let command = format!("explain {ASKED} --data later.csv {weights} --out out");
    let done = place.backdraft(&command).assert().success();
    let said = String::from_utf8(done.get_output().stdout.clone())?;
    let told = "education=Bachelors, education=HS-grad, education=Masters, education=Some-college";
    assert!(
        said.contains(told) && said.contains("columns are separated by `;`"),
        "{said}"
    );
    let warned = String::from_utf8(done.get_output().stderr.clone())?;
    assert!(
        warned.contains("have a category that the network has not, the first `Doctorate`"),
        "{warned}"
    );
    let record: Value = serde_json::from_slice(&fs::read(place.path().join("out/run.json"))?)?;
    let categories = &record["settings"]["columns"]["categorical"][0]["values"];
    assert_eq!(
        *categories,
        json!(["Bachelors", "HS-grad", "Masters", "Some-college"])
    );
    // What was named differently is another column.
    place.write(
        "renamed.csv",
        census(5000, &others).replace("education", "schooling"),
    )?;
    let refused = format!("explain {ASKED} --data renamed.csv {weights}");
    assert_refused(
        &place,
        &refused,
        &["--weights were trained on other columns", "schooling="],
    )?;
    // The run's settings have the names: others are another run's.
    let begun = command.replace("--out out", "--out begun");
    place.stop_at(&begun, "begun/run.json")?;
    let other = begun
        .replace("--id person", "--id interviewed")
        .replace(" --ignore interviewed", " --ignore person");
    let done = place.backdraft(&other).assert().code(2);
    let said = String::from_utf8(done.get_output().stderr.clone())?;
    assert!(
        said.contains("columns.id was \"person\", not \"interviewed\""),
        "{said}"
    );
    Ok(())
}

#[test]
fn tables_that_cannot_be_read_are_refused() -> Outcome {
    let place = Place::new()?;
    place.write("census.csv", census(1000, &EDUCATION))?;
    let with = |options: &str| {
        format!("explain --model lr --data census.csv --target income {options} --out out")
    };
    assert_refused(
        &place,
        &with("--id person"),
        &["`interviewed` holds dates", "(--ignore)"],
    )?;
    assert_refused(
        &place,
        &with("--ignore interviewed"),
        &[
            "`person` holds 150 different texts in 150 rows",
            "(--ignore, --id, --categorical)",
        ],
    )?;
    assert_refused(
        &place,
        &with("--ignore interviewed,persn"),
        &["`persn`", "did you mean `person`?"],
    )?;
    assert_refused(
        &place,
        &with("--ignore interviewed --id personn"),
        &["`personn` to name", "`person`?"],
    )?;
    assert_refused(
        &place,
        &with("--categorical ages"),
        &["`ages` to take for categories", "`age`?"],
    )?;
    assert_refused(
        &place,
        &with("--id age --ignore age"),
        &["the column `age` was asked for both"],
    )?;
    assert_refused(
        &place,
        &with("--separator ab"),
        &["--separator", "one character"],
    )?;
    assert_refused(&place, &with("--separator ;"), &["no column `income`"])?;
    assert_refused(
        &place,
        "explain --data digits --id row",
        &["digits: `row` was asked for"],
    )?;
    let comma = census(1000, &EDUCATION)
        .replace(',', "\t")
        .replace("\t4", "\t4,");
    place.write("comma.tsv", comma)?;
    let refused = format!("explain {ASKED} --data comma.tsv");
    assert_refused(
        &place,
        &refused,
        &[
            "comma.tsv",
            "has a comma; write numbers with a decimal point",
        ],
    )
}
