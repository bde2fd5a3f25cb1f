//! Measures a running server with real sockets: memory, throughput, latency, beside a bare broadcaster that does nothing
//! but send. `benches/README.md` says how to run it and how to read what it prints.

mod api;
mod broadcaster;
mod clock;
mod crowd;
mod machine;
mod measure;
mod proc_fs;
mod process;
mod report;
mod server;
mod services;
mod stats;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The server's allocator: what is compared with it differs in nothing else.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What goes wrong here ends the program with a line, whatever it was.
type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Measures a Quick Commerce server with real sockets.
#[derive(Debug, Parser)]
#[command(name = "load", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts a server, measures it, and prints tables.
    Run(Box<measure::Options>),
    /// A bare axum broadcaster: each socket gets what is posted to /publish. `run` starts one for itself.
    Broadcaster {
        /// Port of 127.0.0.1 to listen on; 0 takes a free one, and says which.
        #[arg(long, default_value_t = 0)]
        port: u16,
    },
    /// A part of the clients of `run`, which talks to it over its standard input and output.
    #[command(hide = true)]
    Crowd,
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Run(options) => in_runtime(measure::run(*options)),
        Command::Broadcaster { port } => in_runtime(broadcaster::serve(port)),
        Command::Crowd => crowd::sockets::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

fn in_runtime(work: impl Future<Output = Outcome>) -> Outcome {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work)
}
