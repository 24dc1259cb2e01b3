//! A receiver of its own: readings of a thermometer, averaged over each batch, and stopped so that nothing that
//! arrived is lost.
//!
//! `cargo run --example custom_receiver`

use faultline_engine::command::StopMode;
use faultline_engine::config::EngineConfig;
use faultline_engine::event::StorageLevel;
use faultline_engine::ids::Millis;
use faultline_engine::object_store::MemoryObjectStore;
use faultline_engine::receiver::{Receiver, ReceiverContext};
use faultline_engine::runtime::{self, SystemFiles};
use faultline_engine::sim::Environment;
use faultline_engine::streaming::StreamingContext;
use std::sync::Arc;
use std::time::Duration;

/// Measures every `pause`.
struct Thermometer {
    pause: Duration,
}

impl Receiver<f64> for Thermometer {
    fn name(&self) -> String {
        format!("Thermometer {} ms", self.pause.as_millis())
    }

    /// Returns at once: the thread ends when the context is stopped, and `store` refuses what comes too late.
    fn on_start(&self, context: ReceiverContext<f64>) {
        let pause = self.pause;
        std::thread::spawn(move || {
            for n in 0u32.. {
                let celsius = 20.0 + (f64::from(n) / 10.0).sin();
                if context.is_stopped() || context.store(celsius).is_err() {
                    return;
                }
                std::thread::sleep(pause);
            }
        });
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let environment = Environment { files: Arc::new(SystemFiles), store: Arc::new(MemoryObjectStore::new()) };
    let program = |sc: &_| {
        let ssc = StreamingContext::new(sc, Millis(500));
        let thermometer = Thermometer { pause: Duration::from_millis(5) };
        ssc.receiver_stream(thermometer, StorageLevel::MEMORY_AND_DISK_SER_2).for_each_rdd(|rdd, tick| {
            let readings = rdd.collect()?;
            let mean = readings.iter().sum::<f64>() / readings.len().max(1) as f64;
            println!("batch {}: {} readings, {mean:.3} °C on average", tick.batch, readings.len());
            Ok(())
        });
        ssc.start()?;
        ssc.await_termination_or_timeout(Millis(3000))?;
        ssc.stop(StopMode::Graceful)
    };
    runtime::run(EngineConfig::default(), &environment, Box::new(program), &mut |_| {}).result?;
    Ok(())
}
