//! Connections: reads requests, has them answered on threads of their own, and lets go of clients that dawdle.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
    sync::watch,
    task::JoinSet,
    time::timeout,
};

use super::{
    Service,
    rec::Snap,
    refusal::Refusal,
    request::{self, Manner, Query},
    wait,
};
use crate::{adapters::nagios::External, base::text::one_line};

/// A request may have so many bytes.
const REQUEST_MAX: usize = 1024 * 1024;
/// A connection on which nothing is asked is closed after this.
const IDLE: Duration = Duration::from_secs(300);
/// A request that has begun must be complete after this.
const REQUEST_TIME: Duration = Duration::from_secs(30);
/// A client takes so much of an answer in this time, or is dropped.
const CHUNK: usize = 256 * 1024;
const CHUNK_TIME: Duration = Duration::from_secs(30);
/// After a stop, an answer under way gets this long.
const DRAIN: Duration = Duration::from_secs(2);

/// Where connections come from.
pub trait Accept: Send + 'static {
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    fn next(&self) -> impl Future<Output = std::io::Result<Self::Stream>> + Send;
}

impl Accept for UnixListener {
    type Stream = UnixStream;

    async fn next(&self) -> std::io::Result<UnixStream> {
        self.accept().await.map(|(stream, _)| stream)
    }
}

impl Accept for TcpListener {
    type Stream = TcpStream;

    async fn next(&self) -> std::io::Result<TcpStream> {
        let (stream, _) = self.accept().await?;
        // Small answers should not wait for more to come.
        let _ = stream.set_nodelay(true);
        Ok(stream)
    }
}

/// Serves all who connect, until `stop` turns true.
pub async fn serve(
    service: Arc<Service>,
    listener: impl Accept + Sync,
    mut stop: watch::Receiver<bool>,
) {
    let mut open = JoinSet::new();
    let ended = stop.clone();
    loop {
        let accepted = async {
            let place = service.clients.clone().acquire_owned().await;
            (listener.next().await, place)
        };
        let (accepted, place) = tokio::select! {
            accepted = accepted => accepted,
            Some(_) = open.join_next() => continue,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let (Ok(stream), Ok(place)) = (accepted, place) else {
            // Out of file descriptors, mostly: let some close before the next try.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        service.facts.connections.fetch_add(1, Ordering::Relaxed);
        let client = Client {
            service: service.clone(),
            stream,
            unread: Vec::new(),
        };
        let ended = ended.clone();
        open.spawn(async move {
            client.run(ended).await;
            drop(place);
        });
    }
    let _ = timeout(DRAIN, async { while open.join_next().await.is_some() {} }).await;
    open.abort_all();
}

/// What a client sent.
enum Request {
    Get(Vec<u8>),
    /// It said nothing more.
    End,
    Refused(Refusal),
}

struct Client<S> {
    service: Arc<Service>,
    stream: S,
    /// What came after the last request.
    unread: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    async fn run(mut self, mut stop: watch::Receiver<bool>) {
        loop {
            let request = tokio::select! {
                request = self.request() => request,
                _ = stop.wait_for(|stop| *stop) => return,
            };
            let goes_on = match request {
                Request::Get(text) => tokio::select! {
                    goes_on = self.answer(&text) => goes_on,
                    () = ended(&mut stop) => false,
                },
                Request::End => false,
                Request::Refused(refusal) => {
                    self.refuse(Manner::default(), &refusal).await;
                    false
                }
            };
            if !goes_on {
                break;
            }
        }
        let _ = timeout(CHUNK_TIME, self.stream.shutdown()).await;
    }

    /// Reads up to an empty line, or the end.
    async fn request(&mut self) -> Request {
        let mut looked = 0;
        let mut time = IDLE;
        loop {
            if let Some((end, next)) = end_of_request(&self.unread, looked) {
                let rest = self.unread.split_off(next);
                let mut text = std::mem::replace(&mut self.unread, rest);
                text.truncate(end);
                // Empty lines between requests are none.
                if text.iter().all(u8::is_ascii_whitespace) {
                    looked = 0;
                    continue;
                }
                return Request::Get(text);
            }
            looked = self.unread.len().saturating_sub(2);
            if REQUEST_MAX < self.unread.len() {
                return Request::Refused(Refusal::limit(format!(
                    "a request has at most {REQUEST_MAX} bytes"
                )));
            }
            if !self.unread.is_empty() {
                time = REQUEST_TIME;
            }
            let mut block = [0; 16 * 1024];
            match timeout(time, self.stream.read(&mut block)).await {
                Ok(Ok(0)) => {
                    let text = std::mem::take(&mut self.unread);
                    if text.iter().all(u8::is_ascii_whitespace) {
                        return Request::End;
                    }
                    return Request::Get(text);
                }
                Ok(Ok(count)) => self.unread.extend_from_slice(&block[..count]),
                Ok(Err(_)) => return Request::End,
                Err(_) if self.unread.is_empty() => return Request::End,
                Err(_) => return Request::Refused(Refusal::incomplete()),
            }
        }
    }

    /// True: another request may follow.
    async fn answer(&mut self, text: &[u8]) -> bool {
        let text = String::from_utf8_lossy(text);
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        if lines.first().is_some_and(|line| is_command(line)) {
            // Some clients send several in one go. Nothing is answered.
            for line in lines.iter().filter(|line| is_command(line)) {
                self.command(line).await;
            }
            return true;
        }
        self.service.facts.requests.fetch_add(1, Ordering::Relaxed);
        let (manner, query) = request::parse(&lines, (self.service.clock)());
        let answer = match query {
            Ok(query) => self.service.answer(Arc::new(query)).await,
            Err(refusal) => Err(refusal),
        };
        match answer {
            Ok(answer) => self.send(manner, 200, answer.as_bytes()).await && manner.keep_alive,
            Err(refusal) => self.refuse(manner, &refusal).await && manner.keep_alive,
        }
    }

    /// `COMMAND [ts] NAME;args`
    async fn command(&mut self, line: &str) {
        let text = one_line(line.strip_prefix("COMMAND").unwrap_or(line));
        let line = if text.starts_with('[') {
            text
        } else {
            format!("[{}] {text}", (self.service.clock)().secs())
        };
        self.service.facts.commands.fetch_add(1, Ordering::Relaxed);
        let command = External {
            line,
            from: "livestatus",
        };
        if self.service.to_hub.send(command).await.is_err() {
            tracing::warn!(
                "a command that came over Livestatus finds nobody: the daemon is ending"
            );
        }
    }

    /// Without a header, too: an empty answer would read as "nothing is wrong".
    async fn refuse(&mut self, manner: Manner, refusal: &Refusal) -> bool {
        let text = format!("{}\n", refusal.message);
        self.send(manner, refusal.code, text.as_bytes()).await
    }

    async fn send(&mut self, manner: Manner, code: u16, body: &[u8]) -> bool {
        if manner.fixed16 {
            let head = format!("{code:03} {:>11}\n", body.len());
            if !self.write(head.as_bytes()).await {
                return false;
            }
        }
        for chunk in body.chunks(CHUNK) {
            if !self.write(chunk).await {
                return false;
            }
        }
        matches!(timeout(CHUNK_TIME, self.stream.flush()).await, Ok(Ok(())))
    }

    async fn write(&mut self, bytes: &[u8]) -> bool {
        let written = timeout(CHUNK_TIME, self.stream.write_all(bytes)).await;
        matches!(written, Ok(Ok(())))
    }
}

/// A while after the stop.
async fn ended(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
    tokio::time::sleep(DRAIN).await;
}

fn is_command(line: &str) -> bool {
    line.strip_prefix("COMMAND")
        .is_some_and(|rest| rest.starts_with([' ', '[']))
}

/// Where a request ends, and where what follows it begins; what is before `from` was looked at.
fn end_of_request(text: &[u8], from: usize) -> Option<(usize, usize)> {
    for at in from..text.len() {
        if text[at] != b'\n' {
            continue;
        }
        match &text[at + 1..] {
            [b'\n', ..] => return Some((at, at + 2)),
            [b'\r', b'\n', ..] => return Some((at, at + 3)),
            _ if at == 0 => return Some((0, 1)),
            _ => {}
        }
    }
    None
}

impl Service {
    /// The picture of now.
    pub fn snap(&self) -> Snap {
        Snap::new(
            self.mirror.picture(),
            (self.clock)(),
            self.facts.clone(),
            self.log.clone(),
        )
    }

    async fn answer(&self, query: Arc<Query>) -> Result<String, Refusal> {
        wait::wait(self, &query).await?;
        let Ok(_place) = self.queries.acquire().await else {
            return Err(Refusal::limit("the daemon is ending".to_owned()));
        };
        let snap = self.snap();
        // The picture is read under no lock: the hub goes on meanwhile.
        tokio::task::spawn_blocking(move || query.answer(&snap))
            .await
            .unwrap_or_else(|_| Err(Refusal::limit("the query failed".to_owned())))
    }
}
