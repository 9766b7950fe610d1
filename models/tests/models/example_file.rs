//! Examples in a file, read batch by batch: the same as those that are held, and what is refused.

use std::{fs, path::Path};

use backdraft_curvature::{Cost, CrossEntropy, LinearOperator, Model};
use backdraft_models::data::{ExampleFile, ExampleFileError};
use backdraft_models::{Mlp, MlpConfig};
use backdraft_test_support::{Outcome, numbers};
use burn::tensor::{Device, Int, Tensor, TensorData};
use safetensors::{Dtype, tensor::TensorView};

const EXAMPLES: usize = 23;
const INPUTS: usize = 5;

fn inputs() -> Vec<f32> {
    let values = numbers(EXAMPLES * INPUTS, 1).into_iter();
    values.map(|x| x as f32).collect()
}

fn labels() -> Vec<i64> {
    (0..EXAMPLES as i64).map(|i| i * i % 3).collect()
}

fn write(path: &Path, rows: usize) -> Outcome {
    let inputs: Vec<u8> = inputs().iter().flat_map(|x| x.to_le_bytes()).collect();
    let labels: Vec<u8> = labels().iter().flat_map(|x| x.to_le_bytes()).collect();
    let tensors = [
        (
            "pictures",
            TensorView::new(Dtype::F32, vec![EXAMPLES, INPUTS], &inputs)?,
        ),
        (
            "labels",
            TensorView::new(Dtype::I64, vec![rows], &labels[..8 * rows])?,
        ),
    ];
    fs::write(path, safetensors::serialize(tensors, None)?)?;
    Ok(())
}

type Pictures = Tensor<2>;
type Labels = Tensor<1, Int>;

#[test]
fn streamed_from_a_file_it_is_the_same_cost() -> Outcome {
    let (folder, device) = (tempfile::tempdir()?, Device::flex());
    let path = folder.path().join("train.safetensors");
    write(&path, EXAMPLES)?;
    let file = ExampleFile::open(&path, "pictures", "labels")?;
    assert_eq!((file.len(), file.is_empty()), (EXAMPLES, false));
    file.check::<Pictures, Labels>()?;

    let module = MlpConfig::new(INPUTS, 3).with_hidden(vec![4]).init(&device);
    let model = Model::new(&module, Mlp::forward)?;
    let held = Cost::new(
        model.clone(),
        CrossEntropy,
        Tensor::<2>::from_data(TensorData::new(inputs(), [EXAMPLES, INPUTS]), &device),
        Tensor::from_data(TensorData::new(labels(), [EXAMPLES]), &device),
    )?;
    let held = held.with_batch_size(7)?;
    let place = device.clone();
    let streamed = Cost::streamed(model, CrossEntropy, file.len(), move || {
        file.batches::<Pictures, Labels>(7, &place)
    })?;
    let v = Tensor::<1>::from_data(numbers(held.model().dim(), 2).as_slice(), &device);
    let results = |cost: &Cost| -> Outcome<[TensorData; 3]> {
        Ok([
            cost.gradient()?.into_data(),
            cost.gauss_newton()
                .with_memory(0)
                .apply(v.clone())?
                .into_data(),
            cost.losses()?.into_data(),
        ])
    };
    assert_eq!(results(&streamed)?, results(&held)?);

    // A file that has become shorter is noticed, in whichever pass.
    let bytes = fs::read(&path)?;
    fs::write(&path, &bytes[..bytes.len() - 8])?;
    let error = streamed.gradient().unwrap_err().to_string();
    assert!(error.contains("train.safetensors"), "{error}");
    Ok(())
}

#[test]
fn what_is_no_file_of_examples_is_refused() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("train.safetensors");
    let open = |inputs: &str, targets: &str| ExampleFile::open(&path, inputs, targets);
    let said = |error: ExampleFileError, text: &str| {
        let error = error.to_string();
        assert!(
            error.contains(text) && error.contains("train.safetensors"),
            "{error}"
        );
    };
    said(open("pictures", "labels").unwrap_err(), "cannot be read");
    fs::write(&path, "id,label\n1,2\n")?;
    said(open("pictures", "labels").unwrap_err(), "header");
    fs::write(&path, b"\x04\0\0\0\0\0\0\0{\"a\"")?;
    said(
        open("pictures", "labels").unwrap_err(),
        "no safetensors file",
    );

    write(&path, EXAMPLES)?;
    said(
        open("pictures", "classes").unwrap_err(),
        "`classes`: it has labels, pictures",
    );
    let file = open("pictures", "labels")?;
    said(
        file.check::<Tensor<3>, Labels>().unwrap_err(),
        "`pictures` is F32 [23, 5], and has to be a float tensor of rank 3",
    );
    let mut batches = file.batches::<Pictures, Tensor<1>>(4, &Device::flex());
    said(
        batches.next().unwrap().unwrap_err(),
        "has to be a float tensor of rank 1",
    );
    assert!(batches.next().is_none());

    let bytes = fs::read(&path)?;
    fs::write(&path, &bytes[..bytes.len() - 1])?;
    said(open("pictures", "labels").unwrap_err(), "it is cut off");
    write(&path, EXAMPLES - 1)?;
    said(
        open("pictures", "labels").unwrap_err(),
        "`pictures` has 23 rows and `labels` has 22",
    );
    Ok(())
}
