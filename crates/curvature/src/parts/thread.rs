//! A thread that computes on one device.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc::{Receiver, Sender, channel},
    thread::{self, Builder, JoinHandle},
};

use burn::tensor::Device;

type Job = Box<dyn FnOnce() + Send>;

/// A thread that does one thing after another, until it is dropped: what a device keeps for a thread (its queue, its
/// memory) serves all of them.
pub(super) struct DeviceThread {
    /// None once it is to end.
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl DeviceThread {
    pub fn new(device: &Device) -> io::Result<Self> {
        let (jobs, todo) = channel::<Job>();
        let thread = Builder::new()
            .name(format!("{device:?}"))
            .spawn(move || todo.into_iter().for_each(|job| job()))?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
        })
    }

    /// Begins `work`.
    pub fn start<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Pending<T> {
        let (done, result) = channel();
        let job = move || {
            // Nobody may wait for it any more.
            let _ = done.send(catch_unwind(AssertUnwindSafe(work)));
        };
        let jobs = self.jobs.as_ref().expect("it has not ended");
        jobs.send(Box::new(job)).expect("it has not ended");
        Pending(result)
    }
}

impl Drop for DeviceThread {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // What panics is told to whoever asked for it.
            let _ = thread.join();
        }
    }
}

/// What a thread has begun.
pub(super) struct Pending<T>(Receiver<thread::Result<T>>);

impl<T> Pending<T> {
    /// What came of it, or with what it panicked.
    pub fn wait(self) -> thread::Result<T> {
        self.0.recv().expect("the thread does all that it begins")
    }
}
