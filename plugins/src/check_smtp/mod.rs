//! `check_smtp`: a mail server's greeting and its answers, with STARTTLS and AUTH LOGIN.

mod line;
mod settings;

use std::{
    fmt::Write,
    net::SocketAddr,
    time::{Duration, Instant},
};

use line::Line;
use settings::Settings;

use crate::{
    Foreign, Probe, Report, State,
    base64::base64,
    net, peer, perfdata,
    tls::{self, Version},
};

const CLOSED_BEFORE_QUIT: &str = "Connection closed by server before sending QUIT command";

pub(crate) fn prepare(_: &str, args: &[String]) -> Result<Probe, Foreign> {
    let settings = Settings::read(args)?;
    Ok(Probe::new(async move {
        let addresses = peer::addresses(&settings.host, settings.port, settings.family).await?;
        run(settings, &addresses).await
    }))
}

/// How a talk ends.
enum End {
    /// Nothing more is said than this.
    Said(State, String),
    /// The state and what is wrong, for the line with the time that it took.
    Judged(State, &'static str),
}

async fn run(settings: Settings, addresses: &[SocketAddr]) -> Result<Report, Foreign> {
    let begun = Instant::now();
    // Lines in front, which are said even where the time runs out.
    let mut said = String::new();
    let limit = Duration::from_secs(settings.timeout);
    let ended = tokio::time::timeout(limit, talk(&settings, addresses, &mut said)).await;
    let (mut state, wrong) = match ended {
        Ok(Ok(End::Judged(state, wrong))) => (state, wrong),
        Ok(Ok(End::Said(state, text))) => return Ok(Report::new(state, said + &text)),
        Ok(Err(foreign)) => return Err(foreign),
        Err(_) => {
            let late = net::socket_timeout(State::Critical, settings.timeout);
            return Ok(Report::new(late.state, said + &late.text));
        }
    };
    let seconds = begun.elapsed().as_secs_f64();
    if state == State::Ok {
        if settings.crit.is_some_and(|crit| crit < seconds) {
            state = State::Critical;
        } else if settings.warn.is_some_and(|warn| warn < seconds) {
            state = State::Warning;
        }
    }
    let data = perfdata::float(
        "time",
        seconds,
        "s",
        settings.warn,
        settings.crit,
        Some(0.0),
        None,
    );
    let _ = write!(
        said,
        "SMTP {} - {wrong}{seconds:.3} sec. response time|{data}",
        state.name()
    );
    Ok(Report::new(state, said))
}

async fn talk(
    settings: &Settings,
    addresses: &[SocketAddr],
    said: &mut String,
) -> Result<End, Foreign> {
    let stream = match net::connect(addresses).await {
        Ok(stream) => stream,
        Err(error) => {
            *said += &net::not_connected(&settings.host, settings.port, &error);
            said.push('\n');
            return Ok(End::Judged(State::Critical, ""));
        }
    };
    let mut line = Line::new(stream);
    let failed = || End::Said(State::Warning, "recv() failed".to_owned());
    if !line.receive().await {
        return Ok(failed());
    }
    let mut heard = line.answer().to_vec();
    let hello = settings.hello()?;
    // That a command does not get there shows in its answer.
    let _ = line.send(&hello).await;
    if !line.receive().await {
        return Ok(failed());
    }
    if settings.tls
        && let Some(end) = start_tls(settings, &mut line, &hello).await?
    {
        return Ok(end);
    }
    heard.extend_from_slice(line.answer());
    let heard = peer::strip(&heard);
    if !contains(heard, settings.expect.as_bytes()) {
        let place = match settings.port {
            25 => String::new(),
            port => format!(" on port {port}"),
        };
        return Ok(End::Said(
            State::Warning,
            format!(
                "Invalid SMTP response received from host{place}: {}",
                peer::text(heard)
            ),
        ));
    }
    if let Some(from) = &settings.from {
        let _ = line.send(&format!("MAIL FROM:<{from}>\r\n")).await;
        line.receive().await;
    }
    let mut state = commands(settings, &mut line, said).await?;
    let mut wrong = "";
    if let Some((bad, why)) = log_in(settings, &mut line).await {
        state = bad;
        wrong = why;
    }
    Ok(quit(settings, &mut line)
        .await
        .unwrap_or(End::Judged(state, wrong)))
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    part.is_empty() || text.windows(part.len()).any(|window| window == part)
}

/// An end, if it does not go on from here.
async fn start_tls(
    settings: &Settings,
    line: &mut Line,
    hello: &str,
) -> Result<Option<End>, Foreign> {
    let is_offered = [&b"250 STARTTLS"[..], b"250-STARTTLS"]
        .iter()
        .any(|offer| contains(line.answer(), offer));
    if !is_offered {
        let end = End::Said(
            State::Warning,
            "WARNING - TLS not supported by server\n".to_owned(),
        );
        return Ok(Some(quit_with(settings, line, end).await));
    }
    let _ = line.send("STARTTLS\r\n").await;
    line.receive().await;
    if !contains(line.answer(), b"220") {
        let end = End::Said(
            State::Unknown,
            "Server does not support STARTTLS\n".to_owned(),
        );
        return Ok(Some(quit_with(settings, line, end).await));
    }
    let stream = line.take_plain().ok_or_else(|| {
        Foreign::unhandled("more than an answer came before TLS, which is OpenSSL's to judge")
    })?;
    let stream = tls::connect(stream, None, Version::Any, None)
        .await
        .map_err(|_| Foreign::unhandled("no TLS came about, and OpenSSL may know better"))?;
    line.put_tls(stream);
    let unknown = |what: &str| {
        Ok(Some(End::Said(
            State::Unknown,
            format!("SMTP UNKNOWN - Cannot {what} via TLS."),
        )))
    };
    if line.send(hello).await.is_err() {
        return unknown("send EHLO command");
    }
    if !line.receive().await {
        return unknown("read EHLO response");
    }
    let Some((warn, crit)) = settings.days else {
        return Ok(None);
    };
    let certificate = line.tls().map(tls::certificate).unwrap_or_default();
    let report = tls::judge_certificate(&certificate, warn, crit)?;
    let end = End::Said(report.state, report.text + "\n");
    Ok(Some(quit_with(settings, line, end).await))
}

/// The state of the last command whose answer is judged.
async fn commands(
    settings: &Settings,
    line: &mut Line,
    said: &mut String,
) -> Result<State, Foreign> {
    let mut state = State::Ok;
    for (at, command) in settings.commands.iter().enumerate() {
        let _ = line.send(&format!("{command}\r\n")).await;
        // Without an answer the one before is judged again.
        line.receive().await;
        line.strip_answer();
        let Some(wanted) = settings.responses.get(at) else {
            continue;
        };
        state = if wanted.found_in(line.answer())? {
            State::Ok
        } else {
            let answer = peer::text(line.answer());
            let _ = writeln!(
                said,
                "SMTP WARNING - Invalid response '{answer}' to command '{command}'"
            );
            State::Warning
        };
    }
    Ok(state)
}

/// What is wrong, if anything is.
async fn log_in(settings: &Settings, line: &mut Line) -> Option<(State, &'static str)> {
    let kind = settings.auth.as_ref()?;
    if kind != "LOGIN" {
        return Some((State::Critical, "only authtype LOGIN is supported, "));
    }
    let Some(user) = &settings.user else {
        return Some((State::Critical, "no authuser specified, "));
    };
    let Some(password) = &settings.password else {
        return Some((State::Critical, "no authpass specified, "));
    };
    let steps = [
        (
            "AUTH LOGIN".to_owned(),
            &b"334"[..],
            State::Warning,
            "recv() failed after AUTH LOGIN, ",
            "invalid response received after AUTH LOGIN, ",
        ),
        (
            base64(user.as_bytes()),
            b"334",
            State::Critical,
            "recv() failed after sending authuser, ",
            "invalid response received after authuser, ",
        ),
        (
            base64(password.as_bytes()),
            b"235",
            State::Critical,
            "recv() failed after sending authpass, ",
            "invalid response received after authpass, ",
        ),
    ];
    for (text, wanted, if_failed, failed, invalid) in steps {
        let _ = line.send(&format!("{text}\r\n")).await;
        if !line.receive().await {
            return Some((if_failed, failed));
        }
        if !line.answer().starts_with(wanted) {
            return Some((State::Critical, invalid));
        }
    }
    None
}

/// An end, if the server is not there any more to be told.
async fn quit(settings: &Settings, line: &mut Line) -> Option<End> {
    if line.send("QUIT\r\n").await.is_err() {
        return (!settings.ignore_quit)
            .then(|| End::Said(State::Unknown, CLOSED_BEFORE_QUIT.to_owned()));
    }
    line.receive().await;
    None
}

/// `end` has its line's end, so that another line may follow.
async fn quit_with(settings: &Settings, line: &mut Line, end: End) -> End {
    match (quit(settings, line).await, end) {
        (Some(End::Said(state, last)), End::Said(_, text)) => End::Said(state, text + &last),
        (_, End::Said(state, text)) => End::Said(state, text.trim_end_matches('\n').to_owned()),
        (_, end) => end,
    }
}
