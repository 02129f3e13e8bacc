//! End-to-end scenarios in one process: the sandbox, its controllers and the agent, with time that is simulated.
//! `--nocapture` prints what each took.

#[path = "scenarios/crash.rs"]
mod crash;
#[path = "scenarios/story.rs"]
mod story;
#[path = "scenarios/world.rs"]
mod world;

/// As in the binary: what a turn of the loop takes is measured here.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
