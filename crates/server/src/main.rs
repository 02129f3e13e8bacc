//! The program: settings from the environment, then answers until a signal. Exit codes: 0 ended by a signal, 1 the
//! port cannot be had, 2 the environment makes no sense.

use std::io::Write as _;
use std::process::ExitCode;

use fiel_server::{Server, Settings, until_signal};

fn main() -> ExitCode {
    let settings = match Settings::from_variables(|name| std::env::var(name).ok()) {
        Ok(settings) => settings,
        Err(error) => return fail(2, &error.to_string()),
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(1, &format!("cannot start: {error}")),
    };
    match runtime.block_on(serve(&settings)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(1, &format!("cannot listen on {}: {error}", settings.address())),
    }
}

async fn serve(settings: &Settings) -> std::io::Result<()> {
    // Before the port: a signal that comes at once ends the server as one that comes later.
    let signalled = until_signal()?;
    let server = Server::listen(settings).await?;
    // Whoever started the server with PORT=0 reads the port here. A closed standard output is no reason to end.
    let _best_effort = writeln!(std::io::stdout(), "listening on {} commit {}", server.address()?, settings.commit);
    server.run(signalled).await;
    Ok(())
}

fn fail(code: u8, message: &str) -> ExitCode {
    let _best_effort = writeln!(std::io::stderr(), "fiel-server: {message}");
    ExitCode::from(code)
}
