//! The first words of a TLS server, looked at in passing: whether it keeps strangers out of a renegotiation (RFC 5746).
//! OpenSSL 3 talks to no server of TLS 1.2 that does not say so; our library does not ask.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Of what comes first; a server's hello is shorter.
const MOST_SEEN: usize = 1024;

/// A stream that remembers how it began.
#[derive(Debug)]
pub(crate) struct Watched<S> {
    inner: S,
    seen: Vec<u8>,
}

impl<S> Watched<S> {
    pub const fn new(inner: S) -> Self {
        Self {
            inner,
            seen: Vec::new(),
        }
    }

    /// Whether the server's hello has the sign; not, too, if it is in a form that we do not follow.
    pub fn renegotiates_safely(&self) -> bool {
        has_sign(&self.seen).unwrap_or(false)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        let room = MOST_SEEN - self.seen.len();
        if 0 < room {
            let new = &buffer.filled()[before..];
            self.seen.extend_from_slice(&new[..new.len().min(room)]);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

const HANDSHAKE: u8 = 22;
const SERVER_HELLO: u8 = 2;
const RENEGOTIATION_INFO: [u8; 2] = [0xff, 0x01];

/// None: it is no hello of a server, or not whole.
fn has_sign(seen: &[u8]) -> Option<bool> {
    let mut record = Bytes(seen);
    if record.take(1)? != [HANDSHAKE] {
        return None;
    }
    record.take(2)?; // Version.
    record.take(2)?; // Length.
    if record.take(1)? != [SERVER_HELLO] {
        return None;
    }
    let length = record.number(3)?;
    let mut hello = Bytes(record.take(length)?);
    hello.take(2 + 32)?; // Version and random.
    let session = hello.number(1)?;
    hello.take(session)?;
    hello.take(2 + 1)?; // Cipher and compression.
    if hello.0.is_empty() {
        return Some(false);
    }
    let length = hello.number(2)?;
    let mut extensions = Bytes(hello.take(length)?);
    while !extensions.0.is_empty() {
        let kind = extensions.take(2)?;
        let length = extensions.number(2)?;
        extensions.take(length)?;
        if kind == RENEGOTIATION_INFO {
            return Some(true);
        }
    }
    Some(false)
}

struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self, bytes: usize) -> Option<usize> {
        let digits = self.take(bytes)?;
        Some(
            digits
                .iter()
                .fold(0, |number, digit| number << 8 | usize::from(*digit)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(extensions: &[u8]) -> Vec<u8> {
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.extend([2, 1, 1]); // Session.
        body.extend([0xc0, 0x2f, 0]);
        if !extensions.is_empty() {
            body.extend([0, u8::try_from(extensions.len()).expect("short")]);
            body.extend(extensions);
        }
        let length = u8::try_from(body.len()).expect("short");
        let mut out = vec![22, 3, 3, 0, length + 4, 2, 0, 0, length];
        out.extend(body);
        out
    }

    #[test]
    fn the_sign_and_its_absence() {
        let with = hello(&[0, 0x17, 0, 0, 0xff, 1, 0, 1, 0]);
        assert_eq!(has_sign(&with), Some(true));
        assert_eq!(has_sign(&hello(&[0, 0x17, 0, 0])), Some(false));
        assert_eq!(has_sign(&hello(&[])), Some(false));
        assert_eq!(has_sign(b"HTTP/1.1 400 Bad Request"), None);
        for cut in 0..with.len() {
            assert_ne!(has_sign(&with[..cut]), Some(true), "{cut}");
        }
    }
}
