//! One connection: HTTP/1.1 with bounds on everything that a client could stretch.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::server::conn::http1;
use hyper_util::rt::TokioTimer;
use tokio::time::{Instant, Sleep};

/// What a client may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long a whole request head may take, from when the server waits for it (this ends idle connections too), and
    /// how long the client may leave an answer untaken.
    pub request: Duration,
    /// The largest request head and the buffer it is read into, in bytes.
    pub head: usize,
    /// How many connections are served at once; the others wait in the system's queue.
    pub connections: usize,
}

impl Limits {
    /// The limits with this time for a request.
    #[must_use]
    pub fn new(request: Duration) -> Self {
        Self { request, head: 16 * 1024, connections: 512 }
    }

    pub(crate) fn http(&self) -> http1::Builder {
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(self.request).max_buf_size(self.head).half_close(true);
        builder
    }
}

/// A stream on which a write that waits longer than `limit` fails: a client that asks and never reads is cut off.
pub(crate) struct Guarded<T> {
    stream: T,
    limit: Duration,
    stalled: Pin<Box<Sleep>>,
    waiting: bool,
}

impl<T> Guarded<T> {
    pub(crate) fn new(stream: T, limit: Duration) -> Self {
        Self { stream, limit, stalled: Box::pin(tokio::time::sleep(limit)), waiting: false }
    }

    /// Passes a result on, and makes an error of a wait that took too long.
    fn watch<R>(&mut self, cx: &mut Context<'_>, result: Poll<io::Result<R>>) -> Poll<io::Result<R>> {
        if result.is_ready() {
            self.waiting = false;
            return result;
        }
        if !self.waiting {
            self.waiting = true;
            self.stalled.as_mut().reset(Instant::now() + self.limit);
        }
        ready!(self.stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not take its answer")))
    }
}

impl<T: Read + Unpin> Read for Guarded<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<T: Write + Unpin> Write for Guarded<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watch(cx, result)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_flush(cx);
        self.watch(cx, result)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.watch(cx, result)
    }
}
