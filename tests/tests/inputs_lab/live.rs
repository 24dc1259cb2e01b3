//! A run on threads that a test drives.

use crossbeam_channel::{Receiver, Sender, unbounded};
use faultline_engine::command::{Command, Transport};
use faultline_engine::config::EngineConfig;
use faultline_engine::error::Result;
use faultline_engine::event::Envelope;
use faultline_engine::rdd::SparkContext;
use faultline_engine::runtime::run_controlled;
use faultline_engine::sim::{Control, Outcome};
use faultline_tests::{checker, lab};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a test waits for what must come; far longer than it takes on a busy machine.
const BOUND: Duration = Duration::from_secs(120);

/// A run on threads, under the controls of the test.
pub struct Live {
    events: Receiver<Vec<Envelope>>,
    controls: Sender<Control>,
    thread: JoinHandle<Outcome>,
    /// Everything announced so far.
    pub log: Vec<Envelope>,
}

impl Live {
    /// Starts a program.
    pub fn start(config: EngineConfig, program: impl FnOnce(&SparkContext) -> Result<()> + Send + 'static) -> Self {
        let (sink, events) = unbounded();
        let (controls, inbox) = unbounded();
        let thread = std::thread::spawn(move || {
            run_controlled(config, &lab::environment(), lab::once(program), inbox, &mut |slice| {
                drop(sink.send(slice.to_vec()));
            })
        });
        Self { events, controls, thread, log: Vec::new() }
    }

    /// Waits until the log is as wanted.
    pub fn until(&mut self, wanted: impl Fn(&[Envelope]) -> bool) {
        while !wanted(&self.log) {
            match self.events.recv_timeout(BOUND) {
                Ok(slice) => self.log.extend(slice),
                Err(error) => {
                    panic!("{error}; the last events are {:#?}", &self.log[self.log.len().saturating_sub(20)..])
                }
            }
        }
    }

    fn control(&self, control: Control) {
        self.controls.send(control).expect("the engine runs");
    }

    /// Sends a command.
    pub fn command(&self, command: Command) {
        self.control(Control::Command(command));
    }

    /// Holds the loop.
    pub fn pause(&self) {
        self.control(Control::Transport(Transport::Pause));
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.control(Control::Transport(Transport::Resume));
    }

    /// The log once a command sent now was heard: everything handled before it is in.
    pub fn settle(&mut self) -> Vec<Envelope> {
        let heard = |log: &[Envelope]| {
            use faultline_engine::event::Event;
            log.iter()
                .filter(|e| matches!(e.event, Event::CommandApplied { .. } | Event::CommandRejected { .. }))
                .count()
        };
        let before = heard(&self.log);
        // Nobody is executor 4000: the driver refuses, and says so.
        self.command(Command::RestartExecutor { executor: faultline_engine::ids::ExecutorId(4000) });
        self.until(|log| heard(log) > before);
        self.log.clone()
    }

    /// Stops the application; its log is whole and obeys the grammar of events.
    pub fn stop(mut self) -> Vec<Envelope> {
        self.command(Command::Stop);
        let outcome = self.thread.join().expect("the engine does not panic");
        self.log.extend(self.events.try_iter().flatten());
        let broken = checker::check(&self.log);
        assert!(broken.is_empty(), "the log breaks its grammar:\n{}", broken.join("\n"));
        assert_eq!(outcome.result, Ok(()));
        self.log
    }
}
