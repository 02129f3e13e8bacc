//! The edge: sockets, signals and time around the pure answers.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;

use crate::connection::Guarded;
use crate::{Limits, Settings, Site, respond};

/// A server that listens but does not answer yet.
pub struct Server {
    listener: TcpListener,
    site: Site,
    limits: Limits,
    drain: Duration,
}

/// What the connections share.
struct Shared {
    site: Site,
    ready: AtomicBool,
    limits: Limits,
}

impl Server {
    /// Takes the port.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn listen(settings: &Settings) -> io::Result<Self> {
        Ok(Self {
            listener: TcpListener::bind(settings.address()).await?,
            site: Site::new(settings),
            limits: Limits::new(settings.request_timeout),
            drain: settings.drain,
        })
    }

    /// The address it listens on, with the real port.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers until `shutdown` is ready; then is not ready but still answers for the drain time, takes no new
    /// connection, finishes the requests it has (for as long as one request may take), and returns.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let Self { listener, site, limits, drain } = self;
        let shared = Arc::new(Shared { site, ready: AtomicBool::new(true), limits });
        let graceful = GracefulShutdown::new();
        let ended = async {
            shutdown.await;
            shared.ready.store(false, Ordering::Relaxed);
            tokio::time::sleep(drain).await;
        };
        tokio::select! {
            () = ended => {}
            () = accept(&listener, &shared, &graceful) => {}
        }
        drop(listener);
        tokio::select! {
            () = graceful.shutdown() => {}
            () = tokio::time::sleep(limits.request) => {}
        }
    }
}

/// Takes connections for as long as it is polled.
async fn accept(listener: &TcpListener, shared: &Arc<Shared>, graceful: &GracefulShutdown) {
    let places = Arc::new(Semaphore::new(shared.limits.connections));
    loop {
        let place = Arc::clone(&places).acquire_owned().await.expect("the semaphore is never closed");
        match listener.accept().await {
            Ok((stream, _)) => {
                let connection = serve(stream, Arc::clone(shared), graceful.watcher());
                tokio::spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            // The client went away, or the system is short of something: neither may end the server or spin it.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// One connection from its first byte to its last.
async fn serve(stream: TcpStream, shared: Arc<Shared>, watcher: Watcher) {
    // Without it the last small write of an answer may wait for the client's acknowledgement.
    let _only_a_hint = stream.set_nodelay(true);
    let limits = shared.limits;
    let service = service_fn(move |request: Request<Incoming>| {
        let ready = shared.ready.load(Ordering::Relaxed);
        let mut response = respond(&shared.site, ready, request.method(), request.uri().path());
        if !ready {
            // The next request of this client shall find another server.
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        std::future::ready(Ok::<_, Infallible>(response))
    });
    let stream = Guarded::new(TokioIo::new(stream), limits.request);
    // An error is the client's: it broke off, sent no HTTP, or ran out of time. There is nobody to tell.
    let _the_clients_affair = watcher.watch(limits.http().serve_connection(stream, service)).await;
}

/// Ready at the first SIGTERM or SIGINT; the handlers are in place when this function returns.
///
/// # Errors
/// When the system refuses a handler.
pub fn until_signal() -> io::Result<impl Future<Output = ()>> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
