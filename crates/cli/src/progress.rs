//! Progress on the terminal, and in plain lines where there is none.

use std::{
    fmt::Display,
    io::{self, IsTerminal, Write},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use backdraft_curvature::BatchProgress;
use backdraft_models::quote;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// Between two plain lines.
const PAUSE: Duration = Duration::from_secs(10);

/// Why standard output did not take a line, the first time that it did not.
static UNSAID: OnceLock<io::Error> = OnceLock::new();

/// Prints a line. A disk that is full, or a reader that has gone away (`| head`), is no reason to stop, for what counts
/// is in the run's folder; but [`unsaid`] remembers.
pub(super) fn say(line: impl Display) {
    let line = quote::lines(&line.to_string());
    if let Err(error) = writeln!(io::stdout(), "{line}") {
        let _ = UNSAID.set(error);
    }
}

/// Prints bytes as they are, such as a script, as [`say`] does a line.
pub(super) fn say_bytes(bytes: &[u8]) {
    if let Err(error) = io::stdout().write_all(bytes) {
        let _ = UNSAID.set(error);
    }
}

/// Why something that was said did not get through.
pub(super) fn unsaid() -> Option<&'static io::Error> {
    if let Err(error) = io::stdout().flush() {
        let _ = UNSAID.set(error);
    }
    UNSAID.get()
}

/// Prints a warning to standard error, whether or not anyone listens.
pub(super) fn warn(line: impl Display) {
    let line = quote::lines(&line.to_string());
    let _ = writeln!(io::stderr(), "warning: {line}");
}

/// How far a stage is.
#[derive(Clone)]
pub(super) struct StageProgress {
    bar: ProgressBar,
    /// When it began, and from which position.
    began: Arc<Mutex<(Instant, u64)>>,
}

impl StageProgress {
    fn new(bar: ProgressBar) -> Self {
        let began = Arc::new(Mutex::new((Instant::now(), 0)));
        Self { bar, began }
    }

    /// Begins at `done` of `length` steps. What was done before is not to count for the time left.
    pub fn begin(&self, done: u64, length: u64) {
        self.bar.set_length(length);
        self.bar.set_position(done);
        self.bar.reset_eta();
        *self.began.lock().unwrap_or_else(PoisonError::into_inner) = (Instant::now(), done);
    }

    /// At a position, of as many steps as are told with it. It begins with the first.
    pub fn at(&self, position: u64, length: u64) {
        match self.bar.length() {
            Some(known) if known == length => self.set(position),
            _ => self.begin(position, length),
        }
    }

    /// Steps that there are, as is known by now.
    pub fn length(&self, length: u64) {
        self.bar.set_length(length);
    }

    pub fn set(&self, position: u64) {
        self.bar.set_position(position);
    }

    pub fn inc(&self, steps: u64) {
        self.bar.inc(steps);
    }

    pub fn message(&self, message: impl Into<String>) {
        self.bar.set_message(message.into());
    }

    /// Steps that there are.
    pub fn steps(&self) -> u64 {
        self.bar.length().unwrap_or(0)
    }

    /// Shows it before its first step is made.
    pub fn show(&self) {
        self.bar.tick();
    }

    /// In words, with the time left.
    pub fn line(&self) -> String {
        let (since, from) = *self.began.lock().unwrap_or_else(PoisonError::into_inner);
        let position = self.bar.position();
        let length = self.bar.length().unwrap_or(0);
        let steps = match length {
            0 => String::new(),
            length => format!("{position} of {length}"),
        };
        let time = time(
            position - from.min(position),
            length.saturating_sub(position),
            since.elapsed(),
        );
        let (title, message) = (self.bar.prefix(), self.bar.message());
        // Without a title the message is it.
        let parts = match title.is_empty() {
            true => [message, steps, time, title],
            false => [title, steps, message, time],
        };
        let parts = parts.iter().map(|it| it.trim()).filter(|it| !it.is_empty());
        parts.collect::<Vec<_>>().join(", ")
    }
}

/// How long it has taken, and how long it will take at that pace.
fn time(done: u64, left: u64, taken: Duration) -> String {
    let so_far = words(taken.as_secs_f64());
    match done {
        0 => format!("{so_far} so far"),
        done => {
            let left = taken.as_secs_f64() / done as f64 * left as f64;
            format!("{so_far} so far, about {} left", words(left))
        }
    }
}

/// A time in words.
pub(super) fn words(seconds: f64) -> String {
    match seconds.max(0.0).round() {
        seconds if seconds < 120.0 => format!("{seconds:.0} s"),
        seconds if seconds < 7200.0 => format!("{:.0} min", seconds / 60.0),
        seconds => format!("{:.1} h", seconds / 3600.0),
    }
}

/// One stage on standard error: a bar with the time left on a terminal, elsewhere a line from time to time.
pub(super) struct Bar {
    stage: StageProgress,
    _lines: Option<Lines>,
}

impl Bar {
    /// A stage of `length` steps; of none, if that is not known yet.
    pub fn new(title: &'static str, length: u64) -> Self {
        let stage = StageProgress::new(bar(title));
        stage.begin(0, length);
        let told = stage.clone();
        Self {
            stage,
            _lines: Lines::start(move || told.line()),
        }
    }

    /// A stage that nobody sees.
    pub fn hidden() -> Self {
        Self {
            stage: StageProgress::new(ProgressBar::hidden()),
            _lines: None,
        }
    }

    /// Prints beside it.
    pub fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }
}

impl std::ops::Deref for Bar {
    type Target = StageProgress;

    fn deref(&self) -> &StageProgress {
        &self.stage
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.stage.bar.finish_and_clear();
    }
}

/// Passes over the training examples, which are told where a stage asks for it: [`Cost::with_progress`](backdraft_curvature::Cost::with_progress) is given
/// [`told`](Self::told).
#[derive(Clone, Default)]
pub(super) struct Passes {
    shown: Arc<Mutex<Option<StageProgress>>>,
}

/// Shows passes until it is dropped.
pub(super) struct ShownPasses<'a>(&'a Passes);

impl Passes {
    /// What is called with each batch.
    pub fn told(&self) -> impl Fn(BatchProgress) + Send + Sync + 'static {
        let shown = Arc::clone(&self.shown);
        move |progress: BatchProgress| {
            let shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(stage) = shown.as_ref().filter(|_| progress.batches > 1) else {
                return;
            };
            if progress.done == 0 {
                stage.begin(0, progress.batches as u64);
            }
            stage.set(progress.done as u64);
        }
    }

    /// From now on each pass is shown as the steps of `bar`, which are its batches.
    pub fn show(&self, bar: &Bar) -> ShownPasses<'_> {
        bar.message("batches");
        self.set(Some(bar.stage.clone()));
        ShownPasses(self)
    }

    fn set(&self, stage: Option<StageProgress>) {
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = stage;
    }
}

impl Drop for ShownPasses<'_> {
    fn drop(&mut self) {
        self.0.set(None);
    }
}

/// Two stages, one within the other.
pub(super) struct Nested {
    all: MultiProgress,
    pub outer: StageProgress,
    pub inner: StageProgress,
    lines: Mutex<Option<Lines>>,
}

impl Nested {
    pub fn new(title: &'static str) -> Self {
        let all = MultiProgress::new();
        let [outer, inner] = [title, ""].map(|title| StageProgress::new(all.add(bar(title))));
        let told = [outer.clone(), inner.clone()];
        let lines = Lines::start(move || {
            let [outer, inner] = &told;
            match outer.bar.length() {
                Some(0) | None => inner.line(),
                Some(_) => format!("{}; {}", outer.line(), inner.line()),
            }
        });
        Self {
            all,
            outer,
            inner,
            lines: Mutex::new(lines),
        }
    }

    /// Prints beside them.
    pub fn aside(&self, print: impl FnOnce()) {
        self.all.suspend(print);
    }

    pub fn end(&self) {
        self.outer.bar.finish_and_clear();
        self.inner.bar.finish_and_clear();
        *self.lines.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Nothing where standard error is no terminal.
fn bar(title: &'static str) -> ProgressBar {
    const TEMPLATE: &str = "{prefix:9} {wide_bar} {pos}/{len} {msg} {eta}";
    let bar = ProgressBar::new(0).with_prefix(title);
    // The template is a constant: it either always parses or never.
    match ProgressStyle::with_template(TEMPLATE) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// A thread that says how far a stage is, until it is dropped.
struct Lines {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Lines {
    /// None on a terminal, which has a bar.
    fn start(line: impl Fn() -> String + Send + 'static) -> Option<Self> {
        if io::stderr().is_terminal() {
            return None;
        }
        let (stop, stopped) = mpsc::channel();
        let tell = move || {
            while stopped.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
                let _ = writeln!(io::stderr(), "{}", line());
            }
        };
        let thread = thread::Builder::new().spawn(tell).ok()?;
        Some(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_goes_by_what_was_done() {
        let minute = Duration::from_secs(60);
        assert_eq!(time(0, 9, minute), "60 s so far");
        assert_eq!(time(20, 180, minute), "60 s so far, about 9 min left");
        assert_eq!(time(1, 299, minute), "60 s so far, about 5.0 h left");
        assert_eq!(time(3, 0, minute), "60 s so far, about 0 s left");
    }

    #[test]
    fn passes_are_shown_where_they_are_asked_for() {
        let (passes, bar) = (Passes::default(), Bar::new("preparing", 0));
        let told = passes.told();
        let at = |done| told(BatchProgress { done, batches: 4 });
        at(1);
        assert_eq!(bar.line(), "preparing, 0 s so far");
        let shown = passes.show(&bar);
        at(0);
        at(2);
        assert!(bar.line().starts_with("preparing, 2 of 4, batches, "));
        drop(shown);
        at(3);
        assert!(bar.line().starts_with("preparing, 2 of 4, batches, "));
    }

    #[test]
    fn a_line_says_how_far_a_stage_is() {
        let bar = Bar::new("training", 0);
        bar.message("loss 0.5");
        assert_eq!(bar.line(), "training, loss 0.5, 0 s so far");
        // What an earlier run did does not count.
        bar.begin(300, 400);
        assert_eq!(bar.line(), "training, 300 of 400, loss 0.5, 0 s so far");
        bar.inc(50);
        let line = bar.line();
        assert!(
            line.starts_with("training, 350 of 400, loss 0.5, "),
            "{line}"
        );
        assert!(line.ends_with("about 0 s left"), "{line}");
    }
}
