//! What must hold for every network.

use backdraft_curvature::{Cost, CrossEntropy, Curvature, CurvatureError, LinearOperator, Loss};
use burn::{Tensor, tensor::activation};

use crate::row::{N, OUTPUTS, Row};
use backdraft_test_support::*;

/// The loss `<y, u>`, with the targets `u`: its gradient is what `u` pulls back.
#[derive(Clone)]
struct Inner;

impl Loss for Inner {
    type Targets = Tensor<2>;

    fn per_example(&self, outputs: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
        (outputs * targets).sum_dim(1).squeeze_dim(1)
    }
}

/// Checks every row, and fails with all that is wrong.
pub fn all(rows: Vec<Row>) {
    let mut wrong = Vec::new();
    for row in rows {
        match failures(&row) {
            Ok(failures) => {
                wrong.extend(failures.into_iter().map(|f| format!("{}: {f}", row.name)))
            }
            Err(error) => wrong.push(format!("{}: {error}", row.name)),
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

/// What does not hold of `row`.
pub fn failures(row: &Row) -> Result<Vec<String>, CurvatureError> {
    let labels: Vec<i64> = (0..N as i64).map(|i| i % OUTPUTS as i64).collect();
    let cost = Cost::new(
        row.model.clone(),
        CrossEntropy,
        row.inputs.clone(),
        classes(&labels),
    )?;
    // Batches of 3 and 2.
    let batched = cost.clone().with_batch_size(3).unwrap();
    let dim = cost.model().dim();
    let (v, w) = (numbers(dim, 81), numbers(dim, 82));
    let u = numbers(N * OUTPUTS, 83);
    let mut found = Findings(Vec::new());
    let (differences, rounding) = (row.tolerance.differences, row.tolerance.rounding);
    let step = row.tolerance.step;

    // Forward mode.
    let (outputs, jv) = cost.outputs_along(vector(&v))?;
    let (outputs, jv) = (host(outputs), host(jv));
    found.close(
        "outputs beside tangents",
        &outputs,
        &host(cost.outputs()?),
        rounding,
    );
    let burn = host(row.outputs.clone());
    found.close("outputs, Burn", &outputs, &burn, row.tolerance.outputs);
    let expected = central(&cost, &v, step, |cost| Ok(host(cost.outputs()?)))?;
    found.close("jvp, differences", &jv, &expected, differences);
    let (_, jw) = batched.outputs_along(vector(&w))?;
    let jw = host(jw);

    // Reverse mode: its gradient, and the Jacobian row by row.
    let inner = |u: &[f64]| cost.with_loss(Inner, matrix(u, OUTPUTS));
    let pullback = inner(&u)?;
    let pull = |u: &[f64]| -> Result<Vec<f64>, CurvatureError> {
        let cost = pullback.with_examples(row.inputs.clone(), matrix(u, OUTPUTS))?;
        Ok(host(cost.gradient()? * N as f64))
    };
    let ju = pull(&u)?;
    found.dual("<u, Jv>", (&u, &jv), (&ju, &v), rounding);
    let mut jacobian = Vec::new();
    for i in 0..N * OUTPUTS {
        let mut unit = vec![0.0; N * OUTPUTS];
        unit[i] = 1.0;
        jacobian.push(pull(&unit)?);
    }
    found.close("Jv by rows", &jv, &rows_times(&jacobian, &v), rounding);

    let gradient = host(cost.gradient()?);
    let slopes = host(cost.output_gradients()?);
    let mean: Vec<f64> = columns_times(&jacobian, &slopes)
        .iter()
        .map(|g| g / N as f64)
        .collect();
    found.close("gradient by rows", &gradient, &mean, rounding);
    found.close(
        "gradient, batches",
        &host(batched.gradient()?),
        &gradient,
        rounding,
    );
    if let Some(burn) = &row.burn {
        found.close("vjp, Burn", &ju, &burn(&u), row.tolerance.burn);
        let slopes: Vec<f64> = slopes.iter().map(|s| s / N as f64).collect();
        found.close(
            "gradient, Burn",
            &gradient,
            &burn(&slopes),
            row.tolerance.burn,
        );
    }
    let scores = host(batched.directional_derivatives(vector(&v))?);
    let expected: Vec<f64> = slopes
        .chunks(OUTPUTS)
        .zip(jv.chunks(OUTPUTS))
        .map(|(s, jv)| dot(s, jv))
        .collect();
    found.close("directional derivatives", &scores, &expected, rounding);

    // Gauss-Newton: J'HJ with the softmax's covariance as H, by differences of tangents, which lose nothing where a
    // class is sure.
    let probabilities = host(activation::softmax(matrix(&outputs, OUTPUTS), 1));
    let curve = |jv: &[f64]| -> Vec<f64> {
        let rows = probabilities.chunks(OUTPUTS).zip(jv.chunks(OUTPUTS));
        let product = |(p, v): (&[f64], &[f64])| -> Vec<f64> {
            let others = |v_i: f64| -> f64 { p.iter().zip(v).map(|(p, v)| p * (v_i - v)).sum() };
            p.iter()
                .zip(v)
                .map(|(p_i, v_i)| p_i * others(*v_i) / N as f64)
                .collect()
        };
        rows.flat_map(product).collect()
    };
    let expected = columns_times(&jacobian, &curve(&jv));
    let gv = found.product(
        "Gauss-Newton",
        &cost,
        &batched,
        Cost::gauss_newton,
        &v,
        rounding,
    )?;
    found.close("Gauss-Newton by rows", &gv, &expected, rounding);
    let gw = host(batched.gauss_newton().apply(vector(&w))?);
    found.dual("<w, Gv>", (&w, &gv), (&gw, &v), rounding);
    found.dual(
        "<w, Gv> from outputs",
        (&w, &gv),
        (&jw, &curve(&jv)),
        rounding,
    );

    // Hessian.
    let hv = found.product("Hessian", &cost, &batched, Cost::hessian, &v, rounding)?;
    let expected = central(&cost, &v, step, |cost| Ok(host(cost.gradient()?)))?;
    found.close("Hessian, differences", &hv, &expected, differences);
    let hw = host(batched.hessian().apply(vector(&w))?);
    found.dual("<w, Hv>", (&w, &hv), (&hw, &v), rounding);

    // Empirical Fisher: the examples' gradients from their rows of the Jacobian.
    let mut expected = vec![0.0; dim];
    for (slopes, rows) in slopes.chunks(OUTPUTS).zip(jacobian.chunks(OUTPUTS)) {
        let gradient = columns_times(rows, slopes);
        let along = dot(&gradient, &v) / N as f64;
        expected
            .iter_mut()
            .zip(&gradient)
            .for_each(|(sum, g)| *sum += along * g);
    }
    let fv = found.product(
        "Fisher",
        &cost,
        &batched,
        Cost::empirical_fisher,
        &v,
        rounding,
    )?;
    found.close("Fisher by examples", &fv, &expected, rounding);
    Ok(found.0)
}

/// The derivative of `f` along `v` by central differences of fourth order.
fn central(
    cost: &Cost,
    v: &[f64],
    h: f64,
    f: impl Fn(&Cost) -> Result<Vec<f64>, CurvatureError>,
) -> Result<Vec<f64>, CurvatureError> {
    let theta = host(cost.model().theta());
    let at = |step: f64| {
        let moved: Vec<f64> = theta.iter().zip(v).map(|(t, v)| t + step * v).collect();
        f(&cost.at(vector(&moved))?)
    };
    let (near, far) = ((at(h)?, at(-h)?), (at(2.0 * h)?, at(-2.0 * h)?));
    let derivative =
        |i: usize| (8.0 * (near.0[i] - near.1[i]) - (far.0[i] - far.1[i])) / (12.0 * h);
    Ok((0..near.0.len()).map(derivative).collect())
}

fn rows_times(rows: &[Vec<f64>], v: &[f64]) -> Vec<f64> {
    rows.iter().map(|row| dot(row, v)).collect()
}

fn columns_times(rows: &[Vec<f64>], u: &[f64]) -> Vec<f64> {
    let mut sum = vec![0.0; rows[0].len()];
    for (row, u) in rows.iter().zip(u) {
        sum.iter_mut().zip(row).for_each(|(sum, r)| *sum += u * r);
    }
    sum
}

/// What was found wrong.
struct Findings(Vec<String>);

impl Findings {
    fn note(&mut self, what: &str, error: f64, tolerance: f64) {
        // Not a number is wrong too.
        if error.is_nan() || error > tolerance {
            self.0
                .push(format!("{what}: {error:.1e}, allowed {tolerance:.0e}"));
        }
    }

    fn close(&mut self, what: &str, a: &[f64], b: &[f64], tolerance: f64) {
        let error = if a == b { 0.0 } else { relative_error(a, b) };
        self.note(what, error, tolerance);
    }

    /// `<a.0, a.1> = <b.0, b.1>`, relative to the lengths.
    fn dual(&mut self, what: &str, a: (&[f64], &[f64]), b: (&[f64], &[f64]), tolerance: f64) {
        let scale = (norm(a.0) * norm(a.1)).max(norm(b.0) * norm(b.1));
        let error = (dot(a.0, a.1) - dot(b.0, b.1)).abs();
        self.note(
            what,
            if error == 0.0 { 0.0 } else { error / scale },
            tolerance,
        );
    }

    /// The product with `v`: the same from kept values, recomputed, and in batches.
    fn product(
        &mut self,
        what: &str,
        cost: &Cost,
        batched: &Cost,
        operator: impl Fn(&Cost) -> Curvature,
        v: &[f64],
        rounding: f64,
    ) -> Result<Vec<f64>, CurvatureError> {
        let keeping = operator(cost);
        let product = host(keeping.apply(vector(v))?);
        let again = host(keeping.apply(vector(v))?);
        let scratch = host(operator(cost).with_memory(0).apply(vector(v))?);
        if again != product || scratch != product {
            self.0
                .push(format!("{what}: kept values change the product"));
        }
        let parts = host(operator(batched).apply(vector(v))?);
        self.close(&format!("{what}, batches"), &parts, &product, rounding);
        Ok(product)
    }
}
