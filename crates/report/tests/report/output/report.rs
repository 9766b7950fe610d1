//! The report.

use std::io;

use backdraft_attribution::{PredictionQuality, verify::PairKind};
use backdraft_report::{
    At, Layout, OutputError, Pair, Place, Report, Sequences, TargetValue, TokenRow, tokens_csv,
    verification_table,
};

use super::{
    Outcome,
    page::{check, tags},
    samples::{pictures, record, report, table, text},
};

#[test]
fn report_is_balanced_and_loads_nothing() -> Outcome {
    for layout in [pictures(), table(), text()] {
        let page = report(layout).to_html()?;
        check(&page)?;
        assert!(tags(&page)?.iter().all(|(name, _)| *name != "b>depth"));
    }
    Ok(())
}

#[test]
fn report_shows_one_picture_an_example_with_its_pixels() -> Outcome {
    let page = report(pictures()).to_html()?;
    let pictures: Vec<&str> = page
        .split("src=\"data:image/png;base64,")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert_eq!(page.matches("<img ").count(), 2 + 3 + 1);
    assert_eq!(pictures.len(), 2 + 3 + 1);

    use base64::Engine;
    let file = base64::engine::general_purpose::STANDARD.decode(pictures[0])?;
    let mut reader = png::Decoder::new(io::Cursor::new(file)).read_info()?;
    let mut pixels = vec![0; 4];
    let info = reader.next_frame(&mut pixels)?;
    assert_eq!((info.width, info.height), (2, 2));
    // Black is 0 and white 2; the last pixel, 17, is beyond white.
    assert_eq!(pixels, [0, 128, 255, 255]);
    Ok(())
}

#[test]
fn report_escapes_what_users_name() -> Outcome {
    let page = report(table()).to_html()?;
    assert!(!page.contains("<script"), "markup got through");
    assert!(
        page.contains("&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;"),
        "title"
    );
    assert!(page.contains("mlp &lt;script&gt;"), "model");
    assert!(
        page.contains("&lt;script&gt;alert(&#39;one&#39;)&lt;/script&gt;"),
        "class"
    );
    assert!(page.contains("&lt;b&gt;depth&lt;/b&gt;"), "feature");
    Ok(())
}

#[test]
fn report_tells_numbers_and_trust() -> Outcome {
    let shown = |report: &Report| report.to_html();
    let mut report = report(pictures());
    let page = shown(&report)?;
    for part in [
        "+7.00e-3",
        "-2.50e-3",
        "Pearson 0.9987, Spearman –, slope 1.02 over 3 pairs",
        "95.0 %",
    ] {
        assert!(page.contains(part), "{part} is missing");
    }
    assert!(page.contains("can be trusted in order and in size"));

    report.record.queries[1].solve.converged = false;
    if let Some(verification) = &mut report.record.verification {
        verification.slope = Some(3.0);
    }
    let page = shown(&report)?;
    assert!(page.contains("can be trusted in order, but not in size"));
    assert!(page.contains("The solver did not converge for 1 query"));

    report.record.verification = None;
    report.record.queries[0].solve.residuals.clear();
    let page = shown(&report)?;
    assert!(page.contains("were not held against actual changes"));
    assert_eq!(
        page.matches("<svg ").count(),
        1,
        "one residual curve is left"
    );
    Ok(())
}

#[test]
fn report_survives_the_oddest_numbers() -> Outcome {
    let mut report = report(pictures());
    let odd = [
        0.0,
        -0.0,
        f64::NAN,
        f64::INFINITY,
        1e-320,
        1e-300,
        0.1,
        -1e300,
        f64::MAX,
    ];
    for query in &mut report.record.queries {
        query.solve.residuals = odd.to_vec();
    }
    for values in [
        vec![0.0],
        vec![1e-320],
        vec![f64::NAN],
        vec![],
        odd.to_vec(),
    ] {
        if let Some(verification) = &mut report.record.verification {
            let pair = |&value: &f64| Pair {
                query: Some(17),
                train: 4,
                source: None,
                predicted: value,
                newton: Some(value),
                actual: value,
                kind: PairKind::Random,
            };
            verification.pairs = values.iter().map(pair).collect();
        }
        tags(&report.to_html()?)?;
    }
    Ok(())
}

#[test]
fn report_refuses_what_does_not_fit_together() {
    let mut missing = report(pictures());
    missing.explained.pop();
    let mut cropped = report(pictures());
    cropped.explained[0].negative[0].example.features.pop();
    let mut ragged = report(table());
    let query = ragged.explained[0].query.as_mut();
    query.expect("it is of one").features.push(0.0);
    for report in [missing, cropped, ragged] {
        let refused = report.to_html();
        assert!(
            matches!(refused, Err(OutputError::Length { .. })),
            "{refused:?}"
        );
    }
}

#[test]
fn newton_estimates_stand_beside_the_scores() -> Outcome {
    let Some(mut verification) = record().verification else {
        panic!("the record has one");
    };
    verification.slope = Some(1.5);
    verification.newton = Some(PredictionQuality {
        pearson: Some(0.9991),
        spearman: Some(1.0),
        slope: Some(1.01),
        pairs: 2,
    });
    verification.pairs[0].newton = Some(7.05e-3);
    let expected = "\
query  train  kind     predicted    Newton    actual  where the training example stands
   17      4  helpful   +7.00e-3  +7.05e-3  +7.10e-3  <b>.csv line 6
   17      0  harmful   -2.50e-3            -2.40e-3  <b>.csv line 2
    3      2  random    -2.00e-5            -1.00e-5  <b>.csv line 4

Pearson 0.9987   Spearman –   slope 1.5   over 3 pairs
Newton estimates: Pearson 0.9991   Spearman 1   slope 1.01   over 2 pairs
Held against actual changes of 3 pairs, the scores can be trusted in order, but not in size (Pearson 0.9987, slope 1.5). \
The Newton estimates of the same changes can be trusted in order and in size (Pearson 0.9991, slope 1.01).
largest gradient left in a response objective 1.00e-8
";
    assert_eq!(verification_table(&verification), expected);
    let mut report = report(table());
    report.record.verification = Some(verification);
    report.explained[0].positive[0].newton = Some(7.05e-3);
    for page in [report.to_html()?, {
        report.layout = pictures();
        report.to_html()?
    }] {
        tags(&page)?;
        for part in [
            "Newton estimates (rings): Pearson 0.9991",
            "+7.05e-3",
            "in order and in size",
        ] {
            assert!(page.contains(part), "{part} is missing");
        }
    }
    Ok(())
}

#[test]
fn verification_table_is_aligned() {
    let Some(verification) = record().verification else {
        panic!("the record has one");
    };
    let expected = "\
query  train  kind     predicted    actual  where the training example stands
   17      4  helpful   +7.00e-3  +7.10e-3  <b>.csv line 6
   17      0  harmful   -2.50e-3  -2.40e-3  <b>.csv line 2
    3      2  random    -2.00e-5  -1.00e-5  <b>.csv line 4

Pearson 0.9987   Spearman –   slope 1.02   over 3 pairs
Held against actual changes of 3 pairs, the scores can be trusted in order and in size (Pearson 0.9987, slope 1.02).
largest gradient left in a response objective 1.00e-8
";
    assert_eq!(verification_table(&verification), expected);
}

#[test]
fn words_are_coloured_by_what_they_add_to_scores() -> Outcome {
    let mut report = report(text());
    for record in &mut report.record.queries {
        (record.label, record.predicted) = (TargetValue::Tokens, TargetValue::Tokens);
    }
    let page = report.to_html()?;
    check(&page)?;
    assert!(!page.contains("<script>") && page.contains("&lt;script&gt;"));
    assert!(page.contains("a &quot;word&quot;"));
    assert!(!page.contains("Label <strong>"), "a sequence has no label");
    // The largest is in full colour, and others by their share of it, signed.
    for (class, share) in [("helpful", "55.0"), ("harmful", "6.9"), ("harmful", "10.3")] {
        let word = format!("class=\"word {class}\" style=\"--share:{share}%\"");
        assert!(page.contains(&word), "no {word} in {page}");
    }
    // Each measured word of a query, and nothing else.
    assert_eq!(page.matches("marked\"").count(), 2);
    for told in [
        "place 1",
        "the network says",
        "62.5 %",
        "score +8.00e-3",
        "score -1.00e-3",
    ] {
        assert!(page.contains(told), "{told}");
    }
    // What is in no list of sequences goes by its name and score.
    report.layout = Layout::Text(Sequences::default());
    check(&report.to_html()?)?;
    Ok(())
}

#[test]
fn a_table_of_tokens_has_a_row_a_place() -> Outcome {
    let row = |query, place, token: &str, score| TokenRow {
        query,
        train: 4,
        place,
        token: token.into(),
        target: "the, end".into(),
        score,
        source: Place {
            file: "a.txt".into(),
            at: Some(At::Line(7)),
            id: None,
        },
    };
    let table = tokens_csv(&[row(Some(2), 0, "in", 0.25), row(None, 1, "\"", -1e-9)])?;
    assert_eq!(
        String::from_utf8(table)?,
        "query,train,place,token,target,score,file,line\n\
         2,4,0,in,\"the, end\",0.25,a.txt,7\n\
         mean,4,1,\"\"\"\",\"the, end\",-1e-9,a.txt,7\n"
    );
    Ok(())
}
