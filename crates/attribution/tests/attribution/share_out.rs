//! Queries dealt out to several devices.

use backdraft_attribution::{AttributionError, Influence, InfluenceConfig, Measurement, share_out};
use backdraft_test_support::{assert_close, host};
use burn::tensor::Device;

use crate::common::{DAMPING, N, inputs, labels, network};

fn influence() -> Influence {
    let config = InfluenceConfig::new().with_damping(DAMPING);
    config.over(network()).unwrap()
}

#[test]
fn queries_dealt_out_have_the_bits_of_one_device() {
    let influence = influence();
    for measurement in [
        Measurement::loss(labels()),
        Measurement::outputs(),
        Measurement::loss(labels()).mean(),
    ] {
        let on = |count: usize| {
            let devices = vec![Device::flex(); count];
            let scores = influence.scores_over(&devices, 5, &measurement, inputs(8));
            scores.unwrap()
        };
        let (one, three) = (on(1), on(3));
        assert_eq!(three.outputs(), one.outputs());
        assert_eq!(three.solves().len(), one.solves().len());
        assert_eq!(host(three.values()), host(one.values()));
    }
    // All in one block are what is solved for without devices.
    let measurement = Measurement::loss(labels());
    let block = influence.scores_over(&[Device::flex()], N, &measurement, inputs(8));
    let whole = influence.scores(&measurement, inputs(8)).unwrap();
    assert_eq!(host(block.unwrap().values()), host(whole.values()));
}

#[test]
fn split_products_come_to_the_same_scores() {
    let influence = influence();
    for measurement in [Measurement::outputs(), Measurement::loss(labels()).mean()] {
        let devices = vec![Device::flex(); 5];
        let split = || {
            let scores = influence.scores_in_parts(&devices, &measurement, inputs(8));
            host(scores.unwrap().values())
        };
        let (found, whole) = (split(), influence.scores(&measurement, inputs(8)).unwrap());
        // Conjugate gradients end at a residual of 1e-10.
        assert_close(&found, &host(whole.values()), 1e-7);
        assert_eq!(found, split());
    }
    let none = influence.scores_in_parts(&[], &Measurement::outputs(), inputs(8));
    let said = none.err().unwrap().to_string();
    assert_eq!(
        said,
        "the setting `parts` is empty: there must be one at least"
    );
}

#[test]
fn no_device_and_no_block_are_refused() {
    let influence = influence();
    let said = |devices: &[Device], block| {
        let scores = influence.scores_over(devices, block, &Measurement::outputs(), inputs(8));
        scores.err().unwrap().to_string()
    };
    assert!(said(&[], 1).contains("`devices` is empty"));
    assert!(said(&[Device::flex()], 0).contains("`block` is 0"));
}

#[test]
fn the_first_error_in_the_order_of_the_places_is_told() {
    let found = share_out(&[3, 4, 5], |place, shard| {
        assert_eq!((shard.index, shard.count), (place - 2, 3));
        match place {
            3 => Ok(3),
            place => Err(AttributionError::NoSuchQuery {
                query: *place,
                len: 0,
            }),
        }
    });
    let error = found.unwrap_err();
    assert!(matches!(
        error,
        AttributionError::NoSuchQuery { query: 4, .. }
    ));
    let found = share_out(&[7, 8], |place, _| Ok::<_, AttributionError>(2 * place));
    assert_eq!(found.unwrap(), [14, 16]);
    let none = share_out(&[], |(), _| Ok::<(), AttributionError>(()));
    assert_eq!(none.unwrap(), []);
}

#[test]
#[should_panic(expected = "the device was lost")]
fn a_device_that_fails_does_so_where_it_was_asked() {
    let _ = share_out(&[1, 2], |place, _| match place {
        1 => Ok::<(), AttributionError>(()),
        _ => panic!("the device was lost"),
    });
}
