//! Shapes that broadcast or do not mean what they are taken for are refused, with both shapes.

use backdraft_curvature::{
    BinaryCrossEntropy, Cost, CrossEntropy, CurvatureError, Huber, LinearOperator, Loss, Model,
    Poisson, SquaredError, TokenCrossEntropy, Weighted,
};
use backdraft_program::{ErrorLocation, ProgramError};
use backdraft_test_support::*;
use burn::{
    nn::{
        Embedding, EmbeddingConfig, Linear, LinearConfig,
        loss::{MseLoss, Reduction},
    },
    tensor::{Int, Shape, Tensor, TensorData},
};

pub(super) const N: usize = 4;

pub(super) fn linear(inputs: usize, outputs: usize) -> Linear {
    double(LinearConfig::new(inputs, outputs).init(&device()))
}

/// `outputs` outputs of 3 numbers.
fn model(outputs: usize) -> Model {
    Model::new(&linear(3, outputs), Linear::forward::<2>).unwrap()
}

pub(super) fn inputs(n: usize) -> Tensor<2> {
    random([n, 3], 1)
}

pub(super) fn zeros<const D: usize>(shape: [usize; D]) -> Tensor<D> {
    Tensor::zeros(shape, (&device(), burn::tensor::DType::F64))
}

/// What is said of a gradient, of losses, and of products with all matrices: the same of all.
pub(super) fn refused(cost: &Cost) -> CurvatureError {
    let v = cost.model().theta();
    let mut errors = vec![
        cost.gradient().map(|_| ()).unwrap_err(),
        cost.losses().map(|_| ()).unwrap_err(),
        cost.output_gradients().map(|_| ()).unwrap_err(),
        cost.directional_derivatives(v.clone())
            .map(|_| ())
            .unwrap_err(),
        cost.gauss_newton().apply(v.clone()).unwrap_err(),
        cost.hessian().apply(v.clone()).unwrap_err(),
        cost.empirical_fisher().apply(v).unwrap_err(),
    ];
    let first = errors.remove(0);
    let text = first.to_string();
    for error in errors {
        assert_eq!(error.to_string(), text);
    }
    assert!(!text.contains('\n'), "{text}");
    first
}

#[test]
fn targets_of_another_width_are_refused_by_every_loss() {
    fn check<L: Loss<Targets = Tensor<2>>>(loss: L) {
        for (outputs, width) in [(1, 3), (3, 1), (2, 3)] {
            let cost = Cost::new(model(outputs), loss.clone(), inputs(N), zeros([N, width]));
            let error = refused(&cost.unwrap());
            let CurvatureError::Targets {
                outputs: found,
                targets,
                ..
            } = &error
            else {
                panic!("{error}");
            };
            assert_eq!(found.as_slice(), [N, outputs]);
            assert_eq!(targets[0].as_slice(), [N, width]);
            let text = error.to_string();
            assert!(text.contains(&format!("[4, {outputs}]")), "{text}");
            assert!(text.contains(&format!("[4, {width}]")), "{text}");
            // So does the loss with weights.
            let shapes = [Shape::new([N, width]), Shape::new([N])];
            let weighted = Weighted(loss.clone());
            let outputs = Shape::new([N, outputs]);
            assert!(weighted.check_shapes(&outputs, &shapes).is_err());
        }
    }
    check(SquaredError);
    check(BinaryCrossEntropy);
    check(Huber { delta: 1.0 });
    check(Poisson);
}

pub(super) type Outcome = fn(Tensor<2>, Tensor<2>) -> Tensor<1>;

/// Whatever is done to outputs and targets.
#[derive(Clone)]
struct Own(Outcome);

impl Loss for Own {
    type Targets = Tensor<2>;

    fn per_example(&self, outputs: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
        (self.0)(outputs, targets)
    }
}

pub(super) fn own(outputs: usize, width: usize, loss: Outcome) -> Cost {
    let targets = random([N, width], 2);
    Cost::new(model(outputs), Own(loss), inputs(N), targets).unwrap()
}

pub(super) fn squares(y: Tensor<2>, t: Tensor<2>) -> Tensor<1> {
    (y - t).square().sum_dim(1).squeeze_dim(1)
}

#[test]
fn a_loss_of_ones_own_does_not_repeat_outputs_unasked() {
    let error = refused(&own(1, 3, squares));
    let CurvatureError::Repeated { outputs, targets } = &error else {
        panic!("{error}");
    };
    assert_eq!(
        (outputs.as_slice(), targets.as_slice()),
        (&[N, 1][..], &[N, 3][..])
    );
    // A column less a row is a square, which sums to one number an example.
    let error = refused(&own(1, 1, |y, t| squares(y, t.swap_dims(0, 1))));
    assert!(matches!(error, CurvatureError::Repeated { .. }), "{error}");
    // Said, it is meant; and targets may be repeated, as those of several quantiles.
    let said = own(1, 3, |y, t| squares(y.expand(t.shape()), t));
    let sum = own(1, 3, |y, t| {
        let each = (0..3).map(|i| squares(y.clone(), t.clone().narrow(1, i, 1)));
        each.reduce(|a, b| a + b).unwrap()
    });
    let quantiles = own(3, 1, squares);
    let v = vector(&numbers(4, 3));
    let product = |cost: &Cost| host(cost.hessian().apply(v.clone()).unwrap());
    assert!(relative_error(&product(&said), &product(&sum)) < 1e-14);
    quantiles.gradient().unwrap();
}

#[test]
fn a_loss_must_be_one_number_an_example() {
    let mean = |y: Tensor<2>, t: Tensor<2>| MseLoss::new().forward(y, t, Reduction::Mean);
    let error = refused(&own(2, 2, mean));
    assert!(
        matches!(
            error,
            CurvatureError::Losses {
                examples: N,
                found: 1
            }
        ),
        "{error}"
    );
    // Of one example the mean is its loss, by chance.
    let one = Cost::new(model(2), Own(mean), inputs(1), zeros([1, 2])).unwrap();
    assert!(matches!(refused(&one), CurvatureError::Losses { .. }));
    let chosen = own(2, 2, mean).select(&[2]).map(|_| ());
    assert!(matches!(chosen, Err(CurvatureError::Losses { .. })));
    // Of as many outputs as examples the mean by output has the right length, by chance.
    let by_output = |y: Tensor<2>, t: Tensor<2>| (y - t).square().mean_dim(0).squeeze_dim(0);
    let error = refused(&own(N, N, by_output));
    assert!(matches!(error, CurvatureError::Losses { .. }), "{error}");
    // The same with a weight an example.
    let (t, w) = (zeros([N, N]), zeros([N]));
    let weighted = Cost::new(model(N), Weighted(Own(by_output)), inputs(N), (t, w)).unwrap();
    let error = weighted.losses().unwrap_err();
    assert!(
        matches!(error, CurvatureError::OneBatchSize { examples: N, .. }),
        "{error}"
    );
}

#[test]
fn one_output_is_no_class() {
    let cost = Cost::new(model(1), CrossEntropy, inputs(N), classes(&[0; N])).unwrap();
    let text = refused(&cost).to_string();
    assert!(
        text.contains("binary cross-entropy with targets [4, 1]"),
        "{text}"
    );
}

/// Outputs of a batch of 3 numbers an example, whatever is made of them.
pub(super) fn returning<const O: usize>(
    outputs: usize,
    made: impl Fn(Tensor<2>) -> Tensor<O> + Send + Sync + 'static,
) -> Model {
    Model::new(&linear(3, outputs), move |net: &Linear, x: Tensor<2>| {
        made(net.forward(x))
    })
    .unwrap()
}

#[test]
fn a_network_must_return_one_row_an_example() {
    let models = [
        ([1, 6], returning(6, |y| y.mean_dim(0))),
        ([8, 3], returning(6, |y| y.reshape([-1, 3]))),
        ([6, N], returning(6, |y| y.transpose())),
    ];
    for (shape, model) in models {
        let cost = Cost::new(model, SquaredError, inputs(N), zeros([N, 6])).unwrap();
        match refused(&cost) {
            CurvatureError::Outputs {
                examples: N,
                outputs,
            } => assert_eq!(outputs.as_slice(), shape),
            error => panic!("{error}"),
        }
        assert!(matches!(
            cost.outputs(),
            Err(CurvatureError::Outputs { .. })
        ));
    }
    let flat = returning::<1>(6, |y| y.mean_dim(0).squeeze_dim(0));
    let cost = Cost::new(flat, SquaredError, inputs(N), zeros([N, 1])).unwrap();
    assert!(matches!(refused(&cost), CurvatureError::Outputs { .. }));
}

/// With as many outputs, or one example, the rows are as many as examples, by chance.
#[test]
fn rows_that_are_examples_by_chance_are_refused() {
    let flat = || returning::<1>(N, |y| y.mean_dim(0).squeeze_dim(0));
    let across = || returning::<2>(N, |y| y.transpose());
    let one = || returning::<2>(6, |y| y.mean_dim(0));
    let chance = [
        Cost::new(flat(), SquaredError, inputs(N), zeros([N, 1])),
        Cost::new(across(), SquaredError, inputs(N), zeros([N, N])),
        Cost::new(one(), SquaredError, inputs(1), zeros([1, 6])),
    ];
    for cost in chance {
        let error = refused(&cost.unwrap());
        assert!(matches!(error, CurvatureError::Outputs { .. }), "{error}");
    }
}

#[test]
fn one_number_an_example_is_a_column() {
    let model = returning::<1>(1, |y| y.squeeze_dim(1));
    let cost = Cost::new(model, SquaredError, inputs(N), zeros([N, 1])).unwrap();
    assert_eq!(cost.outputs().unwrap().dims(), [N, 1]);
    let same = Cost::new(returning(1, |y| y), SquaredError, inputs(N), zeros([N, 1])).unwrap();
    let gradient = |cost: &Cost| host(cost.gradient().unwrap());
    assert_eq!(gradient(&cost), gradient(&same));
}

/// Logits `[batch, tokens, classes]`.
fn language(classes: usize) -> Model {
    let net: Embedding = double(EmbeddingConfig::new(5, classes).init(&device()));
    Model::new(&net, |net: &Embedding, x: Tensor<2, Int>| net.forward(x)).unwrap()
}

fn ints(values: Vec<i64>, shape: [usize; 2]) -> Tensor<2, Int> {
    Tensor::from_data(TensorData::new(values, shape), &device())
}

#[test]
fn tokens_are_those_that_the_network_returned() {
    let x = ints(vec![0, 1, 2, 3, 4, 0, 1, 2], [2, 4]);
    let cost = |classes, tokens| {
        let targets = ints(vec![0; 2 * tokens], [2, tokens]);
        let loss = TokenCrossEntropy::default();
        Cost::new(language(classes), loss, x.clone(), targets).unwrap()
    };
    cost(6, 4).gradient().unwrap();
    // 4 tokens of 6 classes might be read as 2 of 12, 3 of 8, 8 of 3.
    for tokens in [1, 2, 3, 6, 8, 12, 24] {
        let error = refused(&cost(6, tokens));
        let CurvatureError::Targets {
            outputs, targets, ..
        } = &error
        else {
            panic!("{error}");
        };
        assert_eq!(outputs.as_slice(), [2, 4, 6]);
        assert_eq!(targets[0].as_slice(), [2, tokens]);
    }
    let text = refused(&cost(1, 4)).to_string();
    assert!(text.contains("one class"), "{text}");
    // PyTorch's order, classes before tokens.
    let net: Embedding = double(EmbeddingConfig::new(5, 6).init(&device()));
    let swapped = |net: &Embedding, x: Tensor<2, Int>| net.forward(x).swap_dims(1, 2);
    let model = Model::new(&net, swapped).unwrap();
    let targets = ints(vec![0; 8], [2, 4]);
    let cost = Cost::new(model, TokenCrossEntropy::default(), x.clone(), targets).unwrap();
    assert!(matches!(refused(&cost), CurvatureError::Targets { .. }));
    // One class an example, of the outputs of several tokens.
    let cost = Cost::new(language(6), CrossEntropy, x, classes(&[0, 1])).unwrap();
    let text = refused(&cost).to_string();
    assert!(text.contains("TokenCrossEntropy"), "{text}");
}

/// A forward pass or a loss that panics: an error with the panic's text and its place.
#[test]
fn a_panic_is_an_error_with_its_place() {
    let wide = random([N, 5], 1);
    let cost = Cost::new(model(2), SquaredError, wide, zeros([N, 2])).unwrap();
    let error = refused(&cost);
    let CurvatureError::Program(ProgramError::Panicked { message, place, .. }) = &error else {
        panic!("{error}");
    };
    assert!(message.contains('5') && message.contains('3'), "{message}");
    assert!(place.is_some());

    let own = own(2, 2, |_, _| panic!("no such\nloss"));
    match refused(&own) {
        CurvatureError::Program(ProgramError::Panicked {
            message,
            location,
            place,
        }) => {
            assert_eq!(message, "no such loss");
            assert!(location.unwrap().contains("shapes.rs:"));
            assert_eq!(place, Some(ErrorLocation::In("loss".into())));
        }
        error => panic!("{error}"),
    }

    let model = returning::<2>(2, |y| {
        assert!(y.dims()[0] == N, "a batch of 4 alone");
        y
    });
    let cost = Cost::new(model, SquaredError, inputs(N), zeros([N, 2])).unwrap();
    match refused(&cost) {
        CurvatureError::OneBatchSize {
            examples: N,
            source: ProgramError::Panicked { message, place, .. },
        } => {
            assert_eq!(message, "a batch of 4 alone");
            assert_eq!(place, Some(ErrorLocation::After("bias".into())));
        }
        error => panic!("{error}"),
    }
}
