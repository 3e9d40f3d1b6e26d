//! One request and its answer: connecting, TLS, sending, and keeping no more than is needed.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{Settings, Target, answer, request};
use crate::{
    Foreign, Report, State,
    net::{self, Family},
    tls::{self, Failure},
};

/// As much as the real one reads at once: where it stops after the headers, that shows.
const READ: usize = 8191;
/// Of an answer whose body matters. The real one keeps all.
const MOST_KEPT: usize = 4 << 20;
/// A longer answer is for a process of its own: whoever sends as fast as they can would hold up all other probes.
const MOST_READ: u64 = 64 << 20;
/// Past this, it is looked at whether the body matters at all.
const SOME_KEPT: usize = 64 << 10;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Times {
    pub connect: Duration,
    pub tls: Option<Duration>,
    pub headers: Duration,
    pub first_byte: Duration,
    pub transfer: Duration,
}

#[derive(Debug, Default)]
pub(super) struct Page {
    /// Its beginning; zeros are blanks, as in the real one.
    pub kept: Vec<u8>,
    pub total: u64,
    /// All that came is kept.
    pub is_whole: bool,
}

pub(super) enum Fetched {
    /// What the certificate's end means for the whole, too.
    Page(Page, Times, State),
    /// There is nothing more to do.
    End(Report),
}

pub(super) async fn ask(
    settings: &Settings,
    target: &Target,
    said: &mut String,
) -> Result<Fetched, Foreign> {
    let mut times = Times::default();
    let begun = Instant::now();
    let not_open = |why: &str| {
        let text = format!("{why}\nHTTP CRITICAL - Unable to open TCP socket");
        Ok(Fetched::End(Report::new(State::Critical, text)))
    };
    let addresses = match resolve(target, settings.family).await? {
        Ok(addresses) => addresses,
        Err(why) => return not_open(&why),
    };
    let stream = match net::connect(&addresses).await {
        Ok(stream) => stream,
        Err(error) => {
            // In brackets, the real one shows an address without the first.
            let shown = match without_brackets(&target.address) {
                Some(_) => &target.address[1..],
                None => &target.address,
            };
            return not_open(&net::not_connected(shown, target.port, &error));
        }
    };
    times.connect = begun.elapsed();
    let request = request::build(settings, target);
    if !target.tls {
        return talk(stream, settings, &request, times, State::Ok).await;
    }
    let begun = Instant::now();
    let sni = if settings.sni {
        target.host.as_deref()
    } else {
        None
    };
    let secure = tls::connect(stream, sni, settings.version, settings.identity.as_ref()).await;
    let mut secure = match secure {
        Ok(secure) => secure,
        Err(Failure::Broken(report)) => return Ok(Fetched::End(report)),
        Err(Failure::Foreign(foreign)) => return Err(foreign),
    };
    times.tls = Some(begun.elapsed());
    let mut state = State::Ok;
    if let Some((warn, crit)) = settings.certificate_days {
        let report = tls::judge_certificate(&tls::certificate(&secure), warn, crit)?;
        if !settings.continue_after_certificate {
            let _ = secure.shutdown().await;
            return Ok(Fetched::End(report));
        }
        state = report.state;
        said.push_str(&report.text);
        said.push('\n');
    }
    talk(secure, settings, &request, times, state).await
}

fn without_brackets(address: &str) -> Option<&str> {
    address.strip_prefix('[')?.strip_suffix(']')
}

/// The error is what the resolver says.
async fn resolve(
    target: &Target,
    family: Family,
) -> Result<Result<Vec<SocketAddr>, String>, Foreign> {
    let host = without_brackets(&target.address).unwrap_or(&target.address);
    let port = u16::try_from(target.port).map_err(|_| Foreign::unhandled("such a port"))?;
    let takes = |address: &IpAddr| match family {
        Family::Any => true,
        Family::V4 => address.is_ipv4(),
        Family::V6 => address.is_ipv6(),
    };
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(if takes(&address) {
            Ok(vec![SocketAddr::new(address, port)])
        } else {
            Err("Address family for hostname not supported".to_owned())
        });
    }
    match tokio::net::lookup_host((host, port)).await {
        Ok(found) => {
            let found: Vec<SocketAddr> = found.filter(|address| takes(&address.ip())).collect();
            if found.is_empty() {
                // The resolver has several words for that.
                return Err(Foreign::unhandled("the host has no address of this family"));
            }
            Ok(Ok(found))
        }
        Err(error) => {
            let text = error.to_string();
            text.strip_prefix("failed to lookup address information: ")
                .map(|why| Err(why.to_owned()))
                .ok_or_else(|| Foreign::unhandled(format!("the name is not looked up: {text}")))
        }
    }
}

async fn talk<S>(
    mut stream: S,
    settings: &Settings,
    request: &str,
    mut times: Times,
    state: State,
) -> Result<Fetched, Foreign>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let begun = Instant::now();
    // As in the real one, a failure shows in what comes back.
    if stream.write_all(request.as_bytes()).await.is_ok() {
        let _ = stream.flush().await;
    }
    times.headers = begun.elapsed();
    let begun = Instant::now();
    let received = receive(&mut stream, settings, begun, &mut times).await;
    times.transfer = begun.elapsed();
    let page = match received {
        Ok(page) if page.total <= MOST_READ => page,
        Err(error) if tls::is_of_tls(&error) => {
            return Err(Foreign::unhandled(format!("TLS broke: {error}")));
        }
        Ok(_) => {
            return Err(Foreign::unhandled("the answer is longer than we read"));
        }
        Err(_) => {
            let report = Report::new(State::Critical, "HTTP CRITICAL - Error on receive");
            return Ok(Fetched::End(report));
        }
    };
    if page.total == 0 {
        let report = Report::new(
            State::Critical,
            "HTTP CRITICAL - No data received from host",
        );
        return Ok(Fetched::End(report));
    }
    if times.tls.is_some() {
        let _ = stream.shutdown().await;
    }
    Ok(Fetched::Page(page, times, state))
}

async fn receive<S>(
    stream: &mut S,
    settings: &Settings,
    begun: Instant,
    times: &mut Times,
) -> io::Result<Page>
where
    S: AsyncRead + Unpin,
{
    let wants_body =
        !settings.string.is_empty() || settings.pattern.is_some() || settings.show_body;
    let mut page = Page {
        is_whole: true,
        ..Page::default()
    };
    // On the heap: a probe that waits shall be small.
    let mut buffer = vec![0; READ];
    // Once it is known that the body does not matter, it is only counted.
    let mut most = SOME_KEPT;
    loop {
        let count = match stream.read(&mut buffer).await {
            Ok(0) => break,
            Ok(count) => count,
            // The other end's way to say that this was all, with and without TLS.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof
                ) =>
            {
                break;
            }
            Err(error) => return Err(error),
        };
        if page.total == 0 {
            times.first_byte = begun.elapsed();
        }
        page.total += count as u64;
        if MOST_READ < page.total {
            break;
        }
        let part = &mut buffer[..count];
        if page.is_whole && most == SOME_KEPT && most < page.kept.len() + count {
            // Cut at the end of a line, headers look as if they had ended: only what follows them shows that they have.
            let matters = wants_body
                || answer::split(&page.kept)
                    .is_none_or(|parts| parts.body.is_empty() || answer::is_chunked(parts.header));
            if matters {
                most = MOST_KEPT;
            }
        }
        if page.is_whole && page.kept.len() + count <= most {
            for byte in part.iter_mut().filter(|byte| **byte == 0) {
                *byte = b' ';
            }
            let seen = page.kept.len().saturating_sub(2);
            page.kept.extend_from_slice(part);
            if settings.no_body
                && let Some(end) = answer::end_of_headers(&page.kept[seen..])
            {
                page.kept.truncate(seen + end);
                break;
            }
        } else {
            page.is_whole = false;
        }
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is received of these parts, no read going over the end of one.
    fn received(first: &[u8], then: &[u8]) -> Page {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime");
        let mut parts = first.chain(then);
        runtime
            .block_on(receive(
                &mut parts,
                &Settings::default(),
                Instant::now(),
                &mut Times::default(),
            ))
            .expect("no error")
    }

    #[test]
    fn headers_cut_at_the_end_of_a_line_have_not_ended() {
        let line = b"A: bcdefg\r\n";
        let mut headers = b"HTTP/1.1 200 OK\r\n".to_vec();
        headers.extend(line.repeat(5_950));
        let page = received(&headers, &line.repeat(1_000));
        assert!(page.is_whole, "so long as it may be nothing but headers");
        let page = received(&headers, &line.repeat(500_000));
        assert!(!page.is_whole && 4_000_000 < page.kept.len());

        headers.extend(b"\r\nsome of the body");
        let page = received(&headers, &line.repeat(1_000));
        assert!(!page.is_whole, "a body without need of it is only counted");
        assert_eq!(page.kept.len(), headers.len());
        assert_eq!(page.total, headers.len() as u64 + 11_000);
    }
}
