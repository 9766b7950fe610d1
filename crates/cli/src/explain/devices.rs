//! Queries that the devices of one process share out.

use backdraft::attribution::{Shard, share_out};
use backdraft_curvature::{Cost, ShardedCost};
use backdraft_influence::Preconditioner;
use burn::tensor::Device;

use super::run::ExplainRun;
use crate::{CliError, kept_factors::KeptFactors, progress::say, solve::QuerySystems, verify};

/// A cost of the training examples, and that of the queries.
type Costs = (Cost, Cost);

impl ExplainRun<'_> {
    /// [`score_all`](Self::score_all) on all devices at once, each with costs of its own and whole blocks of queries:
    /// who does what decides no bit.
    pub(super) fn score_on_all(
        &self,
        open: &[usize],
        cost: &Cost,
        systems: &QuerySystems<'_>,
        exact: Option<&Costs>,
    ) -> Result<(), CliError> {
        let devices = self.network.inputs.opened.devices();
        if self.parts > 1 && !open.is_empty() {
            return self.score_in_parts(&devices, open, cost, systems, exact);
        }
        let done = share_out(&devices, |device, shard| {
            let own = dealt(open, systems, shard);
            match (own.is_empty(), shard.index) {
                (true, _) => Ok(()),
                (_, 1) => self.score_all(&own, (cost, cost), systems, exact),
                _ => self.score_there(device, &own, cost, systems, exact),
            }
        });
        done.map(drop)
    }

    /// The same with every product split over all devices.
    fn score_in_parts(
        &self,
        devices: &[Device],
        open: &[usize],
        cost: &Cost,
        systems: &QuerySystems<'_>,
        exact: Option<&Costs>,
    ) -> Result<(), CliError> {
        say(format_args!(
            "products are split: the training examples are in {} parts, one a device",
            self.parts
        ));
        let parted = ShardedCost::split(cost, devices)?;
        let curvature = parted.gauss_newton()?;
        let parts = self.parts;
        let systems = QuerySystems {
            curvature: &curvature,
            factors: systems.factors.map(|kept| KeptFactors { parts, ..kept }),
            ..*systems
        };
        self.score_all(open, (&parted, cost), &systems, exact)
    }

    /// The same on another device, for whose progress the first one's stands.
    fn score_there(
        &self,
        device: &Device,
        own: &[usize],
        cost: &Cost,
        systems: &QuerySystems<'_>,
        exact: Option<&Costs>,
    ) -> Result<(), CliError> {
        let (cost, measured) = moved((cost, systems.measured), device)?;
        let exact = exact.map(|(cost, measured)| {
            let (place, _) = verify::place(device);
            moved((cost, measured), &place)
        });
        let exact = exact.transpose()?;
        let curvature = cost.gauss_newton();
        let systems = QuerySystems {
            curvature: &curvature,
            measured: &measured,
            factors: systems.factors.map(|kept| KeptFactors {
                train: &cost,
                ..kept
            }),
            passes: None,
            shown: false,
            ..*systems
        };
        self.score_all(own, (&cost, &cost), &systems, exact.as_ref())
    }
}

fn moved((cost, measured): (&Cost, &Cost), device: &Device) -> Result<Costs, CliError> {
    Ok((cost.to_device(device)?, measured.to_device(device)?))
}

/// Those of the systems `open` that are of one device, whole blocks of queries in turn; all of them of the first where
/// blocks learn from those before.
fn dealt(open: &[usize], systems: &QuerySystems<'_>, shard: Shard) -> Vec<usize> {
    let unit = |&system: &usize| match systems.preconditioner {
        Preconditioner::Recycled => 0,
        _ => systems.place(system).1 / systems.unit(),
    };
    let mut units: Vec<usize> = open.iter().map(unit).collect();
    units.sort_unstable();
    units.dedup();
    let is_own = |system: &&usize| shard.has(units.partition_point(|it| *it < unit(system)));
    open.iter().filter(is_own).copied().collect()
}
