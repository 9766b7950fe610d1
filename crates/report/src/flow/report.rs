//! `report.html` of a run that follows gradient flows.

use super::{FlowRecord, FlowedState, RemovalFlows, guide::ENTRIES};
use crate::{
    OutputError,
    figure::{Colour, Drawing, Figure, Layer, Panel, Shape},
    number::{capital, plural, short},
};

impl FlowRecord {
    /// The report as a self-contained HTML page.
    ///
    /// # Errors
    /// [`OutputError::Encode`] if a drawing cannot be made.
    pub fn to_html(&self, name: &str) -> Result<String, OutputError> {
        let sections = self.removals.iter().map(|it| {
            let panels = vec![it.by_end(), it.by_switch(), it.homotopy()];
            (format!("Without {}", it.title()), panels)
        });
        let tables = self.removals.iter().flat_map(|it| {
            let distance = format!("Relative distance to the minimum without {}", it.title());
            let left = format!("Share of {} that is not forgotten", it.title());
            [(distance, it.distances()), (left, it.left())]
        });
        let training = (
            "The flow with all examples".to_owned(),
            self.training_table(),
        );
        let guide = ENTRIES.map(|(word, meaning)| (word.into(), meaning.into()));
        let timings = self.timings.iter();
        let figure = Figure {
            name: name.into(),
            title: "What does training forget?".into(),
            question: self.question(),
            answer: self.answer(),
            sections: sections.collect(),
            tables: tables.chain([training]).collect(),
            guide: guide.to_vec(),
            settings: self.settings.clone(),
            seconds: timings.map(|it| (it.stage.clone(), it.seconds)).collect(),
            versions: self.versions.clone(),
        };
        figure.to_html()
    }

    fn question(&self) -> String {
        format!(
            "The question: a network of {} is trained by gradient flow on {}, and from some time on without some of them. How soon \
             are the parameters those of a network that never saw them?",
            plural(self.sizes.parameters, "parameter"),
            plural(self.sizes.train, "example")
        )
    }

    fn answer(&self) -> String {
        let told = self.removals.iter().map(RemovalFlows::answer);
        told.collect::<Vec<_>>().join(" ")
    }

    fn training_table(&self) -> Vec<Vec<String>> {
        let head = [
            "time",
            "objective",
            "gradient",
            "test loss",
            "from the minimum",
        ];
        let rows = self.training.iter().map(|it| {
            let numbers = [
                it.time,
                it.objective,
                it.gradient_norm,
                it.test_loss,
                it.distance,
            ];
            numbers.map(short).to_vec()
        });
        [head.map(String::from).to_vec()]
            .into_iter()
            .chain(rows)
            .collect()
    }
}

impl RemovalFlows {
    fn answer(&self) -> String {
        let ends = self
            .switched
            .iter()
            .filter_map(|it| Some((it.switch, it.states.last()?)));
        let told = ends.map(|(switch, state)| {
            format!(
                "{} (s = {})",
                short(self.relative(state.distance)),
                short(switch)
            )
        });
        let end = self
            .switched
            .iter()
            .flat_map(|it| &it.states)
            .map(|it| it.time);
        format!(
            "{}: at T = {} the flows are {} of the distance of the minima, {}, from the minimum without it.",
            capital(&self.title()),
            short(end.fold(0.0, f64::max)),
            told.collect::<Vec<_>>().join(", "),
            short(self.minima_apart)
        )
    }

    /// A line for each switch, over the end.
    fn by_end(&self) -> Panel {
        let lines = self.switched.iter().enumerate().map(|(place, it)| {
            let points = it
                .states
                .iter()
                .map(|state| (state.time, self.relative(state.distance)));
            let name = format!("s = {}", short(it.switch));
            Layer::new(name, Shape::Line, Colour::Series(place), points.collect())
        });
        self.panel(
            "As T grows",
            "A line for each time s of the switch, over the end T.".into(),
            ["end T", "distance to the minimum without"],
            [true, true],
            lines.collect(),
        )
    }

    /// A line for each end, over the switch.
    fn by_switch(&self) -> Panel {
        let lines = self.times().into_iter().enumerate().map(|(place, time)| {
            let at_time = self.states().filter(|it| it.1.time == time);
            let left = at_time.map(|(switch, it)| (switch / time, it.unseen / it.effect));
            // Where the examples have done nothing yet there is nothing to forget.
            let left = left.filter(|it| it.1.is_finite());
            let name = format!("T = {}", short(time));
            Layer::new(name, Shape::Line, Colour::Series(place), left.collect())
        });
        self.panel(
            "As s nears T",
            "A line for each end T, over the part of the time that has the removed examples: how far the flow is from that which \
             never had them, over what they do until T, which is left at s = T."
                .into(),
            ["s / T", "share that is not forgotten"],
            [false, false],
            lines.collect(),
        )
    }

    /// The flows by weight and after switches, along the way of the removal.
    fn homotopy(&self) -> Panel {
        let at = |states: &[FlowedState]| -> Vec<(f64, f64)> {
            let states = states.iter().filter(|it| it.time > 0.0);
            states
                .map(|it| (it.time, self.relative(it.across)))
                .collect()
        };
        let lines = self.weighted.iter().enumerate().map(|(place, it)| {
            let name = format!("weight {}", short(it.weight));
            Layer::new(name, Shape::Line, Colour::Series(place), at(&it.states))
        });
        let switched = Layer {
            key: "after a switch".into(),
            shape: Shape::Thin,
            colour: Colour::Grey,
            parts: self.switched.iter().map(|it| at(&it.states)).collect(),
        };
        self.panel(
            "The homotopy",
            format!(
                "Flows by the weight of {} from the common start, and after a switch: how far they have gone from the flow with all \
                 along the way from one minimum to the other.",
                self.title()
            ),
            ["time", "share of the way of removal"],
            [true, false],
            lines.chain([switched]).collect(),
        )
    }

    fn states(&self) -> impl Iterator<Item = (f64, &FlowedState)> {
        let flows = self.switched.iter();
        flows.flat_map(|it| it.states.iter().map(|state| (it.switch, state)))
    }

    fn panel(
        &self,
        title: &str,
        caption: String,
        titles: [&str; 2],
        log: [bool; 2],
        layers: Vec<Layer>,
    ) -> Panel {
        Panel {
            title: title.into(),
            caption,
            drawing: Drawing {
                name: format!("{title}: flows without {}", self.title()),
                titles: titles.map(String::from),
                log,
                layers,
            },
        }
    }
}
