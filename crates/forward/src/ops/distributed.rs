//! Operations across devices. The synchronisation of gradients is Burn's own for this backend.

use burn_backend::distributed::{CollectiveTensor, DistributedOps, ReduceOperation};
use burn_backend::tensor::{Device, FloatTensor};
use burn_backend::{Backend, DeviceId};

use crate::rules::linear;
use crate::{Dual, DualTensor};

impl<B: Backend> DistributedOps<Self> for Dual<B> {
    fn all_reduce(
        tensor: FloatTensor<Self>,
        op: ReduceOperation,
        device_ids: Vec<DeviceId>,
    ) -> CollectiveTensor<Self> {
        // Sums and means are linear.
        let reduced: DualTensor<B> = linear(tensor, |x| {
            B::all_reduce(x, op, device_ids.clone()).resolve()
        });
        CollectiveTensor::new(reduced)
    }

    fn sync_collective(device: &Device<Self>) {
        B::sync_collective(device)
    }
}
