use faultline_engine::event::Event;
use faultline_tests::system::{SystemPlan, run};
#[test]
fn dbg_seed() {
    let seed: u64 = std::env::var("S").expect("S").parse().expect("n");
    let plan = if std::env::var("LIED").is_ok() { SystemPlan::lied(seed, 20) } else { SystemPlan::of(seed, 30) };
    let ran = run(&plan);
    for life in &ran.lives {
        for e in life {
            match &e.event {
                Event::TaskStart { .. } | Event::TaskEnd { .. } | Event::BlockUpdated { .. } | Event::InputBlockUpdated { .. } | Event::RddRegistered { .. } | Event::StageSubmitted { .. } | Event::StageCompleted { .. } | Event::JobStart { .. } | Event::JobEnd { .. } | Event::RddReleased { .. } => {}
                other => {
                    let t: String = format!("{other:?}").chars().take(400).collect();
                    println!("{} {t}", e.at.as_millis() as i64 - 1767225600000);
                }
            }
        }
        println!("---- life ends");
    }
    println!("{plan}\n{:?}\n{:#?}\n{:#?}", ran.ends, ran.broken, ran.findings);
}
