//! The line to a mail server, and its answers as the real plugin keeps them.

use std::io;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{peer, tls::Secure};

/// An answer of more bytes the real one does not take.
const LONGEST_ANSWER: usize = 8191;
/// What is read at a time.
const CHUNK: usize = 4096;

enum Stream {
    Plain(TcpStream),
    Tls(Box<Secure<TcpStream>>),
    /// In between.
    None,
}

pub struct Line {
    stream: Stream,
    /// Read, and not yet part of an answer.
    ahead: Vec<u8>,
    /// So much of it is.
    taken: usize,
    /// The last answer. One that breaks off has overwritten the beginning of the one before, and the real one looks at
    /// both of them.
    answer: Vec<u8>,
}

impl Line {
    pub fn new(stream: TcpStream) -> Self {
        Self {
            stream: Stream::Plain(stream),
            ahead: Vec::new(),
            taken: 0,
            answer: vec![0; LONGEST_ANSWER + 1],
        }
    }

    /// To shake hands over. None: something has come that was not asked for.
    pub fn take_plain(&mut self) -> Option<TcpStream> {
        if self.taken < self.ahead.len() {
            return None;
        }
        match std::mem::replace(&mut self.stream, Stream::None) {
            Stream::Plain(stream) => Some(stream),
            _ => None,
        }
    }

    pub fn put_tls(&mut self, stream: Secure<TcpStream>) {
        self.stream = Stream::Tls(Box::new(stream));
    }

    pub fn tls(&self) -> Option<&Secure<TcpStream>> {
        match &self.stream {
            Stream::Tls(stream) => Some(stream),
            _ => None,
        }
    }

    pub async fn send(&mut self, text: &str) -> io::Result<()> {
        match &mut self.stream {
            Stream::Plain(stream) => stream.write_all(text.as_bytes()).await,
            Stream::Tls(stream) => {
                stream.write_all(text.as_bytes()).await?;
                stream.flush().await
            }
            Stream::None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Lines up to the first that does not say that another follows. False: they do not come, or are too long.
    pub async fn receive(&mut self) -> bool {
        let mut begin = 0;
        loop {
            let Some(end) = self.receive_line(begin).await else {
                return false;
            };
            let line = &self.answer[begin..end];
            let continues =
                3 < line.len() && line[..3].iter().all(u8::is_ascii_digit) && line[3] == b'-';
            if !continues {
                return true;
            }
            begin = end;
        }
    }

    async fn receive_line(&mut self, begin: usize) -> Option<usize> {
        let mut end = begin;
        while end < LONGEST_ANSWER {
            let byte = self.byte().await?;
            self.answer[end] = byte;
            end += 1;
            if byte == b'\n' {
                self.answer[end] = 0;
                return Some(end);
            }
        }
        None
    }

    async fn byte(&mut self) -> Option<u8> {
        if self.taken == self.ahead.len() {
            self.ahead.resize(CHUNK, 0);
            let count = match &mut self.stream {
                Stream::Plain(stream) => stream.read(&mut self.ahead).await,
                Stream::Tls(stream) => stream.read(&mut self.ahead).await,
                Stream::None => Ok(0),
            };
            self.taken = 0;
            self.ahead.truncate(count.unwrap_or_default());
        }
        let byte = self.ahead.get(self.taken).copied()?;
        self.taken += 1;
        Some(byte)
    }

    /// Up to the first zero.
    pub fn answer(&self) -> &[u8] {
        peer::c_string(&self.answer)
    }

    pub fn strip_answer(&mut self) {
        let end = peer::strip(self.answer()).len();
        self.answer[end..]
            .iter_mut()
            .take_while(|byte| **byte != 0)
            .for_each(|byte| *byte = 0);
    }
}
