//! Panics of a user's function, as values.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    panic::{self, AssertUnwindSafe, PanicHookInfo},
    sync::Once,
};

thread_local! {
    /// Functions of users that this thread is in the midst of.
    static INSIDE: Cell<usize> = const { Cell::new(0) };
    /// Where the last panic of one of them happened.
    static LOCATION: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// What a function panicked with.
#[derive(Debug)]
pub(crate) struct Panic {
    /// Its text, in one line.
    pub message: String,
    /// File and line, if they are the user's.
    pub location: Option<String>,
}

/// Runs `f`; a panic of it becomes a value, and nothing is printed.
pub(crate) fn catch<T>(f: impl FnOnce() -> T) -> Result<T, Panic> {
    silence();
    INSIDE.set(INSIDE.get() + 1);
    let result = panic::catch_unwind(AssertUnwindSafe(f));
    INSIDE.set(INSIDE.get() - 1);
    let location = LOCATION.take();
    result.map_err(|payload| Panic {
        message: text(&*payload),
        location,
    })
}

/// Makes panics within [`catch`] silent, and leaves all others as they are. The hook is the process's, so it is set
/// once.
fn silence() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| match INSIDE.get() {
            0 => before(info),
            _ => LOCATION.set(place(info)),
        }));
    });
}

/// File and line of a panic, unless they are a dependency's, which say nothing to the user.
fn place(info: &PanicHookInfo<'_>) -> Option<String> {
    let location = info.location()?;
    let file = location.file();
    let foreign = ["/registry/src/", "/git/checkouts/", "/rustc/"];
    let foreign = foreign
        .iter()
        .any(|part| file.replace('\\', "/").contains(part));
    (!foreign).then(|| format!("{file}:{}", location.line()))
}

/// A panic's text in one line, without the title that Burn draws over several.
fn text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let Some(text) = text.or_else(|| payload.downcast_ref::<&str>().copied()) else {
        return "a value that is no text".into();
    };
    let lines = text.lines().filter(|line| !line.starts_with("==="));
    let words: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
    words.join(" ")
}
