//! The story in containers: sandbox and agent as images `FROM scratch`, together over a network of a real engine.
//!
//! `cargo xtask e2e --on containers` builds the images, names them in the environment and runs this.

mod containers {
    pub(crate) mod cluster;
    pub(crate) mod repository;
    pub(crate) mod stage;
}

use std::time::Duration;

use containers::cluster::Cluster;
use containers::repository::Repository;
use containers::stage::{self, Stage};
use testcontainers::runners::AsyncRunner as _;
use testcontainers::{GenericImage, ImageExt as _};

/// The course's server alone: what the cluster later runs is an image that works by itself.
#[tokio::test]
#[ignore = "needs a container engine and images: cargo xtask e2e --on containers"]
async fn the_servers_image_answers() {
    let image = stage::image("FIEL_E2E_SERVER");
    let server = GenericImage::new(image.0, image.1)
        .with_network(format!("fiel-e2e-server-{}", std::process::id()))
        .start()
        .await
        .expect("the server's container starts");
    let address = format!("{}:8080", server.get_bridge_ip_address().await.expect("it has an address"));
    let page = stage::get(&address, "/").await;
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("<html"), "{page}");
    let version = stage::get(&address, "/version").await;
    assert!(version.contains("\"commit\""), "{version}");
}

/// Follows Git, undoes drift, and goes on after the agent was killed: all over the wire, each in a container of its own.
#[tokio::test]
#[ignore = "needs a container engine and images: cargo xtask e2e --on containers"]
async fn the_story_over_the_network() {
    let stage = Stage::new();
    let repository = Repository::with_manifests(stage.folder());
    let first = repository.deliver("first");
    let sandbox = stage.sandbox().await;
    let cluster = Cluster::connect(&stage.kubeconfig(), &stage.address(&sandbox).await).await;
    cluster.install().await;
    let agent = stage.agent().await;
    cluster.apply(&repository.application()).await;

    cluster.settled(&first).await;
    let page = stage.page(&sandbox, &cluster.ready_pod("first").await).await;
    assert!(page.contains("first"), "the page does not tell its version: {page}");

    repository.deliver("second");
    let pod = cluster.ready_pod("second").await;
    assert!(stage.page(&sandbox, &pod).await.contains("second"));

    let before = cluster.service_uid().await.expect("the Service is there");
    cluster.delete_service().await;
    cluster.service_is_back(&before).await;

    // Killed, not asked: nothing is lost, and what was pushed meanwhile is delivered by the next agent.
    agent.stop_with_timeout(Some(0)).await.expect("the agent can be killed");
    let third = repository.deliver("third");
    agent.start().await.expect("the agent starts again");
    let pod = cluster.ready_pod("third").await;
    assert!(stage.page(&sandbox, &pod).await.contains("third"));
    cluster.settled(&third).await;
    // The agent writes nothing while nothing changes, and nobody else does.
    cluster.calm(Duration::from_secs(3)).await;
}
