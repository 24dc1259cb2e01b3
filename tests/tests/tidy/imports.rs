//! Who may name what: one row, and one test, per arrow of `ARCHITECTURE.md`.

use super::sources;
use faultline_tests::tidy::rules::assert_none;
use faultline_tests::tidy::{ImportRule, Imports};
use std::sync::LazyLock;

static IMPORTS: LazyLock<Imports> = LazyLock::new(|| Imports::new(sources()));

/// One test per row: `within` must not name `forbidden`, except in the files `except` and for the
/// paths `but`.
macro_rules! import_rules {
    ($($(#[$doc:meta])* $name:ident {
        within: $within:expr, except: $except:expr, forbidden: $forbidden:expr, but: $but:expr, way_out: $way_out:expr
    })*) => {
        $($(#[$doc])*
        #[test]
        fn $name() {
            assert_none(&IMPORTS.broken(&ImportRule {
                name: stringify!($name),
                within: &$within,
                except: &$except,
                forbidden: &$forbidden,
                but: &$but,
                way_out: $way_out,
            }));
        })*
    };
}

import_rules! {
    /// The driver would wait or race, and the simulator would no longer run the production scheduler.
    threads_and_channels_live_in_the_loops {
        within: ["engine/src/"],
        except: ["engine/src/runtime/", "engine/src/sim/", "engine/src/executor/pool.rs", "engine/src/sync/"],
        forbidden: ["faultline_engine::sync::thread", "faultline_engine::sync::channel"],
        but: [],
        way_out: "return an effect, and let runtime/ or sim/ carry it out"
    }

    /// A schedule would not decide who goes on there, and the tests of schedules would miss what goes wrong.
    what_threads_share_comes_from_one_place {
        within: ["engine/src/"],
        except: [
            "engine/src/sync/",
            // Threads of the machine at a store of the machine.
            "engine/src/object_store/conformance.rs",
        ],
        forbidden: [
            "std::thread", "std::sync::mpsc", "std::sync::atomic", "std::sync::Mutex", "std::sync::RwLock",
            "std::sync::Condvar", "std::sync::Barrier", "parking_lot", "crossbeam_channel", "stacker",
        ],
        but: [],
        way_out: "take it from crate::sync"
    }

    /// The same seed would not give the same bytes.
    the_wall_clock_is_read_in_one_place {
        within: ["engine/src/", "app/src/model/", "app/src/scene/", "app/src/ui/"],
        except: ["engine/src/clock/system.rs"],
        forbidden: ["Instant::now", "SystemTime::now"],
        but: [],
        way_out: "take the time as an argument; it comes from the loop, in the window from ViewCtx::now"
    }

    /// A run could not be repeated in memory, and a crash simulator could not stand in for the disk.
    files_and_sockets_have_their_homes {
        within: ["engine/src/"],
        except: [
            "engine/src/object_store/file_ops.rs",
            "engine/src/storage/disk_store.rs",
            // The directories of disk stores.
            "engine/src/storage/scratch.rs",
            "engine/src/runtime/sources.rs",
            "engine/src/runtime/sockets.rs",
            "engine/src/runtime/listening.rs",
            "engine/src/runtime/pushed.rs",
            "engine/src/runtime/acknowledged/",
            "engine/src/runtime/http_stream/",
            // The signal that ended a process.
            "engine/src/runtime/processes.rs",
        ],
        forbidden: ["std::fs", "std::net", "std::os"],
        but: [],
        way_out: "go through ObjectStore, DiskStore or Files, or take impl Read / impl Write"
    }

    /// A program that only reads and counts could start others, and nobody would know where to look. A
    /// task pipes its records through a process; whoever starts one must kill it when the task is given up.
    processes_are_started_in_one_place {
        within: ["engine/src/"],
        except: ["engine/src/runtime/processes.rs"],
        forbidden: ["std::process"],
        // Names of temporary files tell processes apart.
        but: ["std::process::id"],
        way_out: "go through Files::spawn"
    }

    /// A sink could not be used by whoever computes batches in another way.
    sinks_know_no_stream {
        within: ["engine/src/sinks/"],
        except: [],
        forbidden: ["faultline_engine"],
        but: [
            "faultline_engine::sinks", "faultline_engine::event", "faultline_engine::ids",
            "faultline_engine::object_store", "faultline_engine::sync",
        ],
        way_out: "a sink is handed rows and what they are called; who calls it knows the rest"
    }

    /// A process that supervises another one would pull in the engine, and could not decide as the engine does.
    supervision_knows_plain_data_only {
        within: ["engine/src/supervise.rs"],
        except: [],
        forbidden: ["faultline_engine"],
        but: ["faultline_engine::supervise", "faultline_engine::command", "faultline_engine::ids"],
        way_out: "take the time and what happened as arguments"
    }

    /// An id could not be used by everybody.
    ids_know_nothing_of_ours {
        within: ["engine/src/ids.rs"],
        except: [],
        forbidden: ["faultline_engine"],
        but: ["faultline_engine::ids"],
        way_out: "ids are below everything; move what needs more to the module that it is about"
    }

    /// Commands are in the log, so they must stay as plain as events.
    commands_know_ids_only {
        within: ["engine/src/command.rs"],
        except: [],
        forbidden: ["faultline_engine"],
        but: ["faultline_engine::command", "faultline_engine::ids"],
        way_out: "a command carries ids and plain data; the driver looks up the rest"
    }

    /// Whoever reads a log would pull in the engine. `CommandApplied` carries its command.
    events_know_ids_and_commands_only {
        within: ["engine/src/event/"],
        except: [],
        forbidden: ["faultline_engine"],
        but: ["faultline_engine::event", "faultline_engine::ids", "faultline_engine::command"],
        way_out: "put the plain data that the event needs into event/, and let the owner convert"
    }

    /// The app and the driver could not hold the same lineage.
    lineage_knows_events_and_ids_only {
        within: ["engine/src/lineage/"],
        except: [],
        forbidden: ["faultline_engine"],
        but: ["faultline_engine::lineage", "faultline_engine::event", "faultline_engine::ids"],
        way_out: "the lineage holds RddInfo, not nodes; answer the question where the nodes are"
    }

    /// A log could not be read without an engine.
    the_event_log_knows_plain_data_only {
        within: ["engine/src/eventlog/"],
        except: [],
        forbidden: ["faultline_engine"],
        but: [
            "faultline_engine::eventlog", "faultline_engine::event", "faultline_engine::ids",
            "faultline_engine::command", "faultline_engine::lineage",
        ],
        way_out: "the writer takes envelopes and impl Write, the reader gives envelopes from impl BufRead"
    }

    /// The simulator would run another code path than production, or user code would run in the driver.
    the_driver_knows_neither_loop_nor_clock {
        within: ["engine/src/driver/", "engine/src/scheduler/"],
        except: [],
        forbidden: [
            "faultline_engine::runtime", "faultline_engine::sim", "faultline_engine::clock",
            "faultline_engine::executor::pool", "faultline_engine::executor::run", "faultline_engine::streaming",
        ],
        but: ["faultline_engine::sim::faults"],
        way_out: "decide on inputs and answer with Effects; the loops own threads, time and executors"
    }

    /// Neither loop could be understood without the other.
    the_threads_do_not_know_the_simulator {
        within: ["engine/src/runtime/"],
        except: [],
        forbidden: ["faultline_engine::sim"],
        but: [],
        way_out: "what both loops need is in runtime/, which the simulator may import"
    }

    /// Neither could be understood, or tested, without the other.
    the_scheduler_does_not_know_the_driver {
        within: ["engine/src/scheduler/"],
        except: [],
        forbidden: ["faultline_engine::driver"],
        but: [],
        way_out: "append what follows to the Outbox; the driver joins jobs and batches"
    }

    /// A stream could decide what only the driver may decide.
    streams_speak_to_the_driver_in_messages {
        within: ["engine/src/streaming/"],
        except: [],
        forbidden: [
            "faultline_engine::scheduler", "faultline_engine::driver", "faultline_engine::runtime", "faultline_engine::sim",
            "faultline_engine::clock", "faultline_engine::executor",
        ],
        but: [
            "faultline_engine::driver::input", "faultline_engine::runtime::slots", "faultline_engine::runtime::sockets",
            "faultline_engine::runtime::listening", "faultline_engine::runtime::pushed",
            "faultline_engine::runtime::acknowledged", "faultline_engine::runtime::http_stream",
        ],
        way_out: "ask over the thread's slot with a Request, or tell with a Told"
    }

    /// What decides when records become blocks could not run in both loops.
    receivers_know_neither_loop_nor_driver {
        within: ["engine/src/receiver/"],
        except: [],
        forbidden: [
            "faultline_engine::driver", "faultline_engine::scheduler", "faultline_engine::streaming",
            "faultline_engine::runtime", "faultline_engine::sim", "faultline_engine::clock", "faultline_engine::executor",
        ],
        but: [],
        way_out: "answer with a Step; the loops own threads, time, executors and the way to the driver"
    }

    /// An operator could reach around the read boundary into the scheduler.
    rdds_do_not_know_who_runs_them {
        within: ["engine/src/rdd/", "engine/src/shuffle/", "engine/src/checkpoint/", "engine/src/task_context/"],
        except: [],
        forbidden: [
            "faultline_engine::scheduler", "faultline_engine::streaming", "faultline_engine::driver",
            "faultline_engine::runtime", "faultline_engine::sim", "faultline_engine::clock",
            "faultline_engine::executor::pool",
        ],
        but: [],
        way_out: "actions go through JobRunner, tasks through TaskContext"
    }

    /// A log could not be tested, or used for something else, without an engine around it.
    logs_know_stores_only {
        within: ["engine/src/write_ahead/"],
        except: [],
        forbidden: ["faultline_engine"],
        but: [
            "faultline_engine::write_ahead", "faultline_engine::object_store", "faultline_engine::ids",
            "faultline_engine::sync", "faultline_engine::rng",
        ],
        way_out: "a record is bytes; whoever writes it knows what it says"
    }
    /// What a checkpoint means could not be tested without an engine, and a tool could not read one.
    recovery_knows_stores_and_plain_data {
        within: ["engine/src/recovery/"],
        except: [],
        forbidden: ["faultline_engine"],
        but: [
            "faultline_engine::recovery", "faultline_engine::object_store", "faultline_engine::event",
            "faultline_engine::ids", "faultline_engine::seeded",
            // The other files of a directory, of which an inspection tells.
            "faultline_engine::checkpoint", "faultline_engine::write_ahead",
        ],
        way_out: "describe it as plain data in recovery/; driver/ and streaming/ decide what it means"
    }

    /// A store could decide by what a task or a job is, and its decisions would not replay.
    stores_know_blocks_only {
        within: ["engine/src/storage/", "engine/src/object_store/", "engine/src/rng.rs"],
        except: [],
        forbidden: ["faultline_engine"],
        but: [
            "faultline_engine::storage", "faultline_engine::object_store", "faultline_engine::rng",
            "faultline_engine::event", "faultline_engine::ids", "faultline_engine::sync",
            "faultline_engine::error::panic_text",
        ],
        way_out: "answer with what changed, and let the caller report it"
    }

    /// Executors would decide what only the driver may decide.
    executors_do_not_know_the_driver {
        within: ["engine/src/executor/"],
        except: [],
        forbidden: [
            "faultline_engine::driver", "faultline_engine::streaming", "faultline_engine::runtime",
            "faultline_engine::sim", "faultline_engine::clock",
        ],
        but: [],
        way_out: "report an outcome; the loop hands it to the driver"
    }

    /// The engine would need a window.
    the_engine_draws_nothing {
        within: ["engine/"],
        except: [],
        forbidden: ["egui", "eframe", "emath", "epaint", "rfd", "egui_graphs", "winit", "faultline"],
        but: [],
        way_out: "announce an event; the app folds it and draws"
    }

    /// Replay, seek and tests from a text file would need a window, a disk or a clock.
    the_model_is_a_pure_fold {
        within: ["app/src/model/"],
        except: [],
        forbidden: [
            "egui", "eframe", "emath", "epaint", "rfd", "egui_graphs", "std::time", "std::fs", "std::net", "std::thread",
            "std::sync::mpsc", "crossbeam_channel", "faultline_engine", "faultline",
        ],
        but: [
            "faultline::model", "faultline_engine::event", "faultline_engine::ids", "faultline_engine::lineage",
            "faultline_engine::command",
        ],
        way_out: "the model takes time and facts from envelopes only"
    }

    /// The command line and the window could not share a race, or a race would need a window.
    a_race_needs_no_window {
        within: ["app/src/race/"],
        except: ["app/src/race/samples.rs"],
        forbidden: ["egui", "eframe", "emath", "epaint", "rfd", "egui_graphs", "std::net", "faultline"],
        but: ["faultline::race", "faultline::model"],
        way_out: "a race is plain data; ui/race_view draws it, cli/ prints it, handlers/race.rs starts it"
    }

    /// A picture could not be tested as data.
    the_scene_is_a_pure_function {
        within: ["app/src/scene/"],
        except: [],
        forbidden: [
            "egui", "eframe", "epaint", "rfd", "egui_graphs", "std::time", "std::fs", "std::net", "std::thread",
            "std::sync::mpsc", "crossbeam_channel", "faultline_engine", "faultline",
        ],
        but: [
            "faultline::scene", "faultline::model", "faultline_engine::event", "faultline_engine::ids",
            "faultline_engine::lineage",
        ],
        way_out: "the scene is computed from model and filter; geometry is emath, colours and painting are ui/"
    }

    /// A panel could block the window, or change what another panel shows.
    panels_read_and_send {
        within: ["app/src/ui/"],
        except: [],
        forbidden: [
            "EngineHandle", "std::fs", "std::net", "std::thread", "std::sync::mpsc", "crossbeam_channel", "rfd",
            "faultline::handlers", "faultline::source", "faultline::session", "faultline::cli", "faultline::platform",
            "faultline::race::runner", "faultline::race::engine_run", "faultline_engine",
        ],
        but: [
            "faultline_engine::event", "faultline_engine::ids", "faultline_engine::lineage",
            "faultline_engine::command",
        ],
        way_out: "read ViewCtx and send a command; handlers/ carry it out"
    }

    /// A view could keep an answer of the engine instead of folding its events.
    one_file_holds_the_engine {
        within: ["app/src/"],
        except: ["app/src/source/live.rs"],
        forbidden: ["EngineHandle"],
        but: [],
        way_out: "go through EventSource; source/live.rs sends what the handlers ask for"
    }

    /// What stands between window and machine could not be used for another window.
    platform_knows_the_theme_only {
        within: ["app/src/platform/"],
        except: [],
        forbidden: ["faultline", "faultline_engine"],
        but: ["faultline::platform", "faultline::theme"],
        way_out: "take plain data or a closure; handlers/ know what it is about"
    }

    /// A file dialog on the wrong thread hangs the window.
    dialogs_live_in_platform {
        within: ["app/src/"],
        except: ["app/src/platform/"],
        forbidden: ["rfd"],
        but: [],
        way_out: "ask platform/ for the path; it runs dialogs off the window's thread"
    }

    /// The widget's quirks would spread.
    the_graph_widget_lives_in_ui {
        within: ["app/src/"],
        except: ["app/src/ui/"],
        forbidden: ["egui_graphs"],
        but: [],
        way_out: "hand ui/ a scene; it translates to egui_graphs and back"
    }
}
