//! Runs the controllers and the node beside any Kubernetes API, such as a kube-apiserver that stands alone:
//! `controllers [--without-node | IMAGE=PROGRAM …]`.
//!
//! The cluster is that of `KUBECONFIG`. With images given, the node runs their programs; without, it plays that all Pods are ready; there may
//! also be no node at all.

use std::sync::Arc;

use fiel_sandbox::controllers::{Options, run};
use fiel_sandbox::node::{Images, NodeOptions};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The only user of rustls here; an error says that somebody else chose a provider before.
    drop(rustls::crypto::ring::default_provider().install_default());
    let images: Vec<String> = std::env::args().skip(1).collect();
    let mut options = Options::everything();
    if images == ["--without-node"] {
        options.node = None;
    } else if !images.is_empty() {
        let known = images.iter().filter_map(|image| image.split_once('='));
        options.node = Some(NodeOptions::processes(known.fold(Images::new(), |images, (image, program)| images.with(image, program))));
    }
    let client = kube::Client::try_default().await?;
    let ended = async {
        // Without a handler for Ctrl-C the example could not end its processes: it ends at once instead.
        drop(tokio::signal::ctrl_c().await);
    };
    run(client, options, Arc::new(jiff::Timestamp::now), ended).await;
    Ok(())
}
