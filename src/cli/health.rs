//! `quick-commerce health`: for an image without a shell, whose container is to be asked how it is.

use std::net::SocketAddr;
use std::time::Duration;

use crate::serve::reachable;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Failure, Outcome, say};

/// How long an answer may take: more than the server waits for its parts.
const PATIENCE: Duration = Duration::from_secs(4);

/// The most that is read of an answer, in bytes.
const MOST: u64 = 4_096;

/// Asks the process that listens on `addr` whether it is ready.
///
/// # Errors
/// When it is not, or does not answer.
pub(super) async fn ask(addr: SocketAddr) -> Outcome {
    let addr = reachable(addr);
    let silent = |_| Failure::new(format!("{addr} (LISTEN_ADDR) does not answer"));
    let answer = timeout(PATIENCE, get(addr)).await.map_err(silent)?;
    let answer = answer.map_err(|error| Failure::new(format!("{addr} (LISTEN_ADDR) does not answer: {error}")))?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    if head.starts_with("HTTP/1.0 200 ") || head.starts_with("HTTP/1.1 200 ") {
        return say(body);
    }
    Err(Failure::new(format!("not ready: {}", body.trim().replace('\n', ", "))))
}

/// One request, whose answer ends with the connection.
async fn get(addr: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(addr).await?;
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(MOST).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
