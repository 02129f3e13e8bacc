//! The sandbox on a socket: HTTP/1.1 and HTTP/2, with TLS or without.

use std::convert::Infallible;
use std::future::Future;

use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tower::{Service, ServiceExt as _};

use crate::tls::{Peer, ServerTls};

/// Serves a service on a listener until `shutdown` is over; then every connection is closed, watches too.
///
/// With `tls` (see [`Authority::server_tls`](crate::tls::Authority::server_tls)) it speaks https. What goes wrong on one connection ends
/// that connection and nothing else. Whom a client's certificate names, the sandbox's own service takes as who asks.
pub async fn serve<S, B>(service: S, listener: TcpListener, tls: Option<ServerTls>, shutdown: impl Future<Output = ()>)
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    // Dropping the set ends the connections.
    let mut connections = JoinSet::new();
    tokio::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => accepted,
            // Ended connections are taken out as they end.
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of descriptors, most likely: those who are connected go on, and may leave.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                continue;
            }
        };
        // Small answers go out at once.
        drop(stream.set_nodelay(true));
        let (service, tls) = (service.clone(), tls.clone());
        connections.spawn(async move {
            let ended = match tls {
                None => connection(service, stream, None).await,
                Some(tls) => match TlsAcceptor::from(tls.config.clone()).accept(stream).await {
                    Ok(stream) => {
                        let peer = tls.peer(stream.get_ref().1.peer_certificates());
                        connection(service, stream, peer).await
                    }
                    Err(error) => Err(error.into()),
                },
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended");
            }
        });
    }
}

async fn connection<S, B, T>(service: S, stream: T, peer: Option<Peer>) -> Result<(), Box<dyn std::error::Error + Send + Sync>>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let handler = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        if let Some(peer) = &peer {
            request.extensions_mut().insert(peer.clone());
        }
        service.clone().oneshot(request)
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new());
    builder.serve_connection(TokioIo::new(stream), handler).await
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt as _, Full};
    use tower::service_fn;

    use super::*;
    use crate::tls::{Authority, kubeconfig};

    async fn answer(request: Request<Incoming>) -> Result<Response<Full<bytes::Bytes>>, Infallible> {
        let path = request.uri().path().to_owned();
        let length = request.into_body().collect().await.map_or(0, |body| body.to_bytes().len());
        let body = serde_json::json!({"gitVersion": path, "major": "1", "minor": "36", "gitCommit": "", "gitTreeState": "", "buildDate": "",
            "goVersion": "", "compiler": "", "platform": length.to_string()});
        Ok(Response::new(Full::from(body.to_string())))
    }

    #[tokio::test]
    async fn a_client_with_the_kubeconfig_is_answered_over_tls_until_the_end() {
        let authority = Authority::new(&[]).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let server = tokio::spawn(serve(service_fn(answer), listener, Some(authority.server_tls().unwrap()), async {
            drop(stopped.await);
        }));
        let parsed = kube::config::Kubeconfig::from_yaml(&kubeconfig(&url, &authority)).unwrap();
        let config = kube::Config::from_custom_kubeconfig(parsed, &Default::default()).await.unwrap();
        let client = kube::Client::try_from(config).unwrap();
        assert_eq!(client.apiserver_version().await.unwrap().git_version, "/version");
        stop.send(()).unwrap();
        server.await.unwrap();
        assert!(client.apiserver_version().await.is_err(), "it still answers after its end");
    }
}
