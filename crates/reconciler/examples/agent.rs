//! The agent alone, for playing recorded scenarios: `agent --kubeconfig FILE --cache FOLDER`. Ends with Ctrl-C.

use std::path::PathBuf;
use std::sync::Arc;

use fiel_reconciler::agent::{Agent, AgentOptions};
use fiel_reconciler::source::{Git, GitOptions, install_crypto};
use kube::config::{KubeConfigOptions, Kubeconfig};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_env_filter(tracing_subscriber::EnvFilter::from_default_env()).with_writer(std::io::stderr).init();
    install_crypto();
    let mut args = std::env::args().skip(1);
    let (mut kubeconfig, mut cache) = (None, PathBuf::from("fiel-cache"));
    while let Some(arg) = args.next() {
        let value = args.next().ok_or("each option needs a value")?;
        match arg.as_str() {
            "--kubeconfig" => kubeconfig = Some(value),
            "--cache" => cache = value.into(),
            other => return Err(format!("unknown option {other}").into()),
        }
    }
    let kubeconfig = Kubeconfig::read_from(kubeconfig.ok_or("--kubeconfig FILE is required")?)?;
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    let client = kube::Client::try_from(config)?;
    let agent = Agent::new(client, AgentOptions::new(Arc::new(Git::new(GitOptions::new(cache)))));
    agent.run(std::future::pending()).await;
    Ok(())
}
