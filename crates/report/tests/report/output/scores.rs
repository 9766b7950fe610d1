//! Scores, as files.

use std::error::Error;

use backdraft_report::{Float, Labels, NewtonChange, NewtonChanges, OutputError, ScoreRecord};
use safetensors::{Dtype, SafeTensors};

use super::{
    Outcome,
    samples::{examples, labels, scores},
};

#[test]
fn scores_come_back_from_safetensors_bit_for_bit() -> Outcome {
    let scores = scores()?;
    let bytes = scores.to_safetensors(&examples(labels()), 42)?;
    let file = SafeTensors::deserialize(&bytes)?;

    let stored = file.tensor("scores")?;
    assert_eq!((stored.dtype(), stored.shape()), (Dtype::F32, &[2, 5][..]));
    let (values, _) = stored.data().as_chunks();
    let values: Vec<f64> = values
        .iter()
        .map(|x| f32::from_le_bytes(*x).into())
        .collect();
    assert_eq!(values, [scores.row(0), scores.row(1)].concat());

    let whole = |name| -> Result<Vec<i64>, Box<dyn Error>> {
        let tensor = file.tensor(name)?;
        assert_eq!(tensor.dtype(), Dtype::I64);
        let (values, _) = tensor.data().as_chunks();
        Ok(values.iter().map(|x| i64::from_le_bytes(*x)).collect())
    };
    assert_eq!(whole("queries")?, [17, 3]);
    assert_eq!(whole("labels")?, [0, 1, 2, 1, 0]);
    // Where they stand.
    assert_eq!(whole("train_file")?, [0; 5]);
    assert_eq!(whole("train_line")?, [2, 3, 4, 5, 6]);
    assert_eq!(whole("query_file")?, [0; 2]);
    assert_eq!(whole("query_line")?, [119, 105]);

    let (_, header) = SafeTensors::read_metadata(&bytes)?;
    let metadata = header.metadata().clone().unwrap_or_default();
    let text = |key| metadata.get(key).map(String::as_str);
    let sign = "predicted change of the query's loss when the training example is removed, loss(without) - loss(with), to first \
                order, the factor 1/N included; positive: removing the example raises the loss, it helped; negative: it harmed; in \
                the units of the loss";
    assert_eq!((text("sign"), text("measure")), (Some(sign), Some("loss")));
    assert_eq!(text("factor"), Some("9"));
    assert_eq!(text("seed"), Some("42"));
    assert_eq!(text("unit"), Some("half the square of `strength`"));
    assert_eq!(
        (text("loss_factor"), text("output_factor")),
        (Some("9"), Some("3"))
    );
    assert_eq!(text("files"), Some("[\"<b>.csv\"]"));
    let classes = "[\"nought\",\"<script>alert('one')</script>\"]";
    assert_eq!(text("classes"), Some(classes));
    Ok(())
}

#[test]
fn regression_has_targets_in_place_of_labels() -> Outcome {
    let bytes = scores()?.to_safetensors(&examples(Labels::Values(vec![40.27; 5])), 0)?;
    let file = SafeTensors::deserialize(&bytes)?;
    let targets = file.tensor("targets")?;
    assert_eq!((targets.dtype(), targets.shape()), (Dtype::F64, &[5][..]));
    assert_eq!(targets.data()[..8], 40.27_f64.to_le_bytes());
    let mut names = file
        .names()
        .into_iter()
        .map(String::from)
        .collect::<Vec<_>>();
    names.sort();
    let places = [
        "query_file",
        "query_line",
        "scores",
        "targets",
        "train_file",
        "train_line",
    ];
    assert_eq!(names[0], "queries");
    assert_eq!(names[1..], places);
    Ok(())
}

/// In units of 1e-30, a squared error is nothing in 32 bits.
#[test]
fn what_32_bits_do_not_hold_is_kept_in_64() -> Outcome {
    for (largest, float) in [(1e39, Float::F64), (3e-39, Float::F64), (3e-38, Float::F32)] {
        let scores = ScoreRecord::new(vec![1], 2, vec![largest, 0.0], Float::F32)?;
        assert_eq!(scores.float(), float, "{largest}");
        let bytes = scores.to_safetensors(&examples(Labels::Values(vec![0.5; 2])), 0)?;
        let file = SafeTensors::deserialize(&bytes)?;
        let stored = file.tensor("scores")?;
        match float {
            Float::F32 => assert_eq!(stored.dtype(), Dtype::F32),
            Float::F64 => assert_eq!(stored.data()[..8], f64::to_le_bytes(largest)),
        }
    }
    Ok(())
}

#[test]
fn scores_that_cannot_be_meant_are_refused() {
    let short = ScoreRecord::new(vec![17, 3], 5, vec![0.0; 9], Float::F32);
    assert!(
        matches!(
            short,
            Err(OutputError::Length {
                expected: 10,
                found: 9,
                ..
            })
        ),
        "{short:?}"
    );
    let mut values = vec![0.0; 10];
    values[7] = f64::NAN;
    let diverged = ScoreRecord::new(vec![17, 3], 5, values.clone(), Float::F64);
    assert!(
        matches!(
            diverged,
            Err(OutputError::NotFinite {
                query: Some(3),
                train: 2
            })
        ),
        "{diverged:?}"
    );
    let labels = examples(Labels::Values(vec![0.5; 4]));
    let unlabelled = scores().and_then(|scores| scores.to_safetensors(&labels, 0));
    assert!(
        matches!(unlabelled, Err(OutputError::Length { .. })),
        "{unlabelled:?}"
    );
    let unlabelled = scores().and_then(|scores| scores.to_csv(&labels, 3));
    assert!(
        matches!(unlabelled, Err(OutputError::Length { .. })),
        "{unlabelled:?}"
    );
}

#[test]
fn top_ranks_helpful_then_harmful_by_strength() -> Outcome {
    let csv = String::from_utf8(scores()?.to_csv(&examples(labels()), 3)?)?;
    let one = "<script>alert('one')</script>";
    // The zero appears on neither side; equal scores keep the order of the examples.
    let expected = format!(
        "query,rank,kind,train,label,score,file,line,query_file,query_line\n\
         17,1,helpful,4,nought,0.007,<b>.csv,6,<b>.csv,119\n\
         17,2,helpful,1,{one},0.0001,<b>.csv,3,<b>.csv,119\n\
         17,3,helpful,3,{one},0.0001,<b>.csv,5,<b>.csv,119\n\
         17,1,harmful,0,nought,-0.0025,<b>.csv,2,<b>.csv,119\n\
         3,1,helpful,0,nought,1e-6,<b>.csv,2,<b>.csv,105\n\
         3,1,harmful,4,nought,-4e-5,<b>.csv,6,<b>.csv,105\n\
         3,2,harmful,3,{one},-3e-5,<b>.csv,5,<b>.csv,105\n\
         3,3,harmful,2,2,-2e-5,<b>.csv,4,<b>.csv,105\n"
    );
    assert_eq!(csv, expected);
    Ok(())
}

#[test]
fn top_has_newton_estimates_where_there_are_any() -> Outcome {
    let change = NewtonChange {
        changes: vec![0.0075, -4.5e-5],
        leverage: 0.25,
    };
    let newton = NewtonChanges {
        of: [(4, change)].into(),
        ..Default::default()
    };
    let scores = scores()?.with_newton(Some(newton));
    let csv = String::from_utf8(scores.to_csv(&examples(labels()), 1)?)?;
    let expected = "query,rank,kind,train,label,score,file,line,query_file,query_line,newton,leverage\n\
         17,1,helpful,4,nought,0.007,<b>.csv,6,<b>.csv,119,0.0075,0.25\n\
         17,1,harmful,0,nought,-0.0025,<b>.csv,2,<b>.csv,119,,\n\
         3,1,helpful,0,nought,1e-6,<b>.csv,2,<b>.csv,105,,\n\
         3,1,harmful,4,nought,-4e-5,<b>.csv,6,<b>.csv,105,-4.5e-5,0.25\n";
    assert_eq!(csv, expected);
    Ok(())
}

/// Numbers of a regression's target with all their digits; files that are the examples have no number.
#[test]
fn top_holds_targets_and_places_as_they_are() -> Outcome {
    let mut examples = examples(Labels::Values(vec![40.27, 1e-300, 12345.6789, 3.0, -0.5]));
    for (index, place) in examples.train.iter_mut().enumerate() {
        place.file = format!("cats/{index}.png");
        place.at = None;
    }
    let csv = String::from_utf8(scores()?.to_csv(&examples, 5)?)?;
    let mut lines = csv.lines();
    let head = "query,rank,kind,train,label,score,file,query_file,query_line";
    assert_eq!(lines.next(), Some(head));
    let first = "17,1,helpful,4,-0.5,0.007,cats/4.png,<b>.csv,119";
    assert_eq!(lines.next(), Some(first));
    assert!(csv.contains(",1,1e-300,0.0001,cats/1.png,"), "{csv}");
    assert!(csv.contains(",2,12345.6789,-2e-5,cats/2.png,"), "{csv}");
    Ok(())
}

#[test]
fn no_side_is_longer_than_there_are_scores_of_its_sign() -> Outcome {
    let strongest = scores()?.strongest(1, 100);
    let indices = |side: &[backdraft_report::Scored]| side.iter().map(|it| it.train).collect();
    let (helpful, harmful): (Vec<_>, Vec<_>) =
        (indices(&strongest.positive), indices(&strongest.negative));
    assert_eq!((helpful, harmful), (vec![0], vec![4, 3, 2, 1]));
    Ok(())
}
