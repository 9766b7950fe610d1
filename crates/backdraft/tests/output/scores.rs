//! Scores, as files.

use std::error::Error;

use backdraft::output::{Labels, OutputError, SIGN_CONVENTION, Scores};
use safetensors::{Dtype, SafeTensors};

use crate::{
    Outcome,
    samples::{labels, scores},
};

#[test]
fn scores_come_back_from_safetensors_bit_for_bit() -> Outcome {
    let scores = scores()?;
    let bytes = scores.to_safetensors(&labels(), 42)?;
    let file = SafeTensors::deserialize(&bytes)?;

    let stored = file.tensor("scores")?;
    assert_eq!((stored.dtype(), stored.shape()), (Dtype::F32, &[2, 5][..]));
    let (values, _) = stored.data().as_chunks();
    let values: Vec<f32> = values.iter().map(|x| f32::from_le_bytes(*x)).collect();
    assert_eq!(values, [scores.row(0), scores.row(1)].concat());

    let whole = |name| -> Result<Vec<i64>, Box<dyn Error>> {
        let tensor = file.tensor(name)?;
        assert_eq!(tensor.dtype(), Dtype::I64);
        let (values, _) = tensor.data().as_chunks();
        Ok(values.iter().map(|x| i64::from_le_bytes(*x)).collect())
    };
    assert_eq!(whole("queries")?, [17, 3]);
    assert_eq!(whole("labels")?, [0, 1, 2, 1, 0]);

    let (_, header) = SafeTensors::read_metadata(&bytes)?;
    let metadata = header.metadata().clone().unwrap_or_default();
    assert_eq!(
        metadata.get("sign").map(String::as_str),
        Some(SIGN_CONVENTION)
    );
    assert_eq!(metadata.get("seed").map(String::as_str), Some("42"));
    Ok(())
}

#[test]
fn regression_has_scores_without_labels() -> Outcome {
    let bytes = scores()?.to_safetensors(&Labels::Values(vec![0.5; 5]), 0)?;
    let mut names = SafeTensors::deserialize(&bytes)?
        .names()
        .into_iter()
        .map(String::from)
        .collect::<Vec<_>>();
    names.sort();
    assert_eq!(names, ["queries", "scores"]);
    Ok(())
}

#[test]
fn scores_that_cannot_be_meant_are_refused() {
    let short = Scores::new(vec![17, 3], 5, vec![0.0; 9]);
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
    values[7] = f32::NAN;
    let diverged = Scores::new(vec![17, 3], 5, values);
    assert!(
        matches!(diverged, Err(OutputError::NotFinite { query: 3, train: 2 })),
        "{diverged:?}"
    );
    let labels = Labels::Values(vec![0.5; 4]);
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
    let csv = String::from_utf8(scores()?.to_csv(&labels(), 3)?)?;
    let one = "<script>alert('one')</script>";
    // The zero appears on neither side; equal scores keep the order of the examples.
    let expected = format!(
        "query,rank,kind,train,label,score\n\
         17,1,helpful,4,nought,0.007\n\
         17,2,helpful,1,{one},0.0001\n\
         17,3,helpful,3,{one},0.0001\n\
         17,1,harmful,0,nought,-0.0025\n\
         3,1,helpful,0,nought,1e-6\n\
         3,1,harmful,4,nought,-4e-5\n\
         3,2,harmful,3,{one},-3e-5\n\
         3,3,harmful,2,2,-2e-5\n"
    );
    let numbers = |table: &str| -> Result<Vec<(String, f32)>, Box<dyn Error>> {
        table
            .lines()
            .skip(1)
            .map(|line| {
                let (rest, score) = line.rsplit_once(',').ok_or("no comma")?;
                Ok((rest.to_string(), score.parse()?))
            })
            .collect()
    };
    assert_eq!(csv.lines().next(), expected.lines().next());
    assert_eq!(numbers(&csv)?, numbers(&expected)?);
    Ok(())
}

#[test]
fn no_side_is_longer_than_there_are_scores_of_its_sign() -> Outcome {
    let strongest = scores()?.strongest(1, 100);
    let indices = |side: &[backdraft::output::Scored]| side.iter().map(|it| it.train).collect();
    let (helpful, harmful): (Vec<_>, Vec<_>) =
        (indices(&strongest.helpful), indices(&strongest.harmful));
    assert_eq!((helpful, harmful), (vec![0], vec![4, 3, 2, 1]));
    Ok(())
}
