//! What an answer means, in the real one's words and order.

use std::{borrow::Cow, time::Instant};

use super::{
    HTTP_PORT, OnRedirect, Settings, Target,
    answer::{self, Answer},
    dates,
    fetch::{self, Fetched, Page, Times},
    redirect::{self, Stop},
};
use crate::{Foreign, Report, State, ere::Pattern, perfdata, threshold::Range};

/// A longer text is not searched on the thread that all probes share.
const LONG: usize = 16 << 10;

/// What has been found so far.
#[derive(Debug)]
pub(super) struct Outcome {
    pub state: State,
    pub text: String,
}

impl Outcome {
    /// As `max_state_alt`: UNKNOWN is worse than OK and better than WARNING.
    pub fn worsen(&mut self, state: State) {
        const fn rank(state: State) -> u8 {
            match state {
                State::Ok => 0,
                State::Unknown => 1,
                State::Warning => 2,
                State::Critical => 3,
            }
        }
        if rank(self.state) < rank(state) {
            self.state = state;
        }
    }
}

fn critical(text: String) -> Result<Report, Foreign> {
    Ok(Report::new(State::Critical, text))
}

/// `said` gets what is printed before the report.
pub(super) async fn run(
    settings: &Settings,
    target: &mut Target,
    said: &mut String,
) -> Result<Report, Foreign> {
    let begun = Instant::now();
    let mut depth = 0;
    loop {
        let (page, times, state) = match fetch::ask(settings, target, said).await? {
            Fetched::Page(page, times, state) => (page, times, state),
            Fetched::End(report) => return Ok(report),
        };
        let seconds = begun.elapsed().as_secs_f64();
        let answer = answer::split(&page.kept)
            .ok_or_else(|| Foreign::unhandled("the answer's headers have no end"))?;
        let status = String::from_utf8_lossy(answer.status);
        let code = match status_code(settings, target, &status, &page, &answer)? {
            Ok(code) => code,
            Err(report) => return Ok(report),
        };
        if let Some(300..400) = code
            && let OnRedirect::Follow { .. } = settings.on_redirect
        {
            let header = String::from_utf8_lossy(answer.header);
            match redirect::follow(settings, target, &header, &status, &mut depth) {
                Ok(()) => continue,
                Err(Stop::Say(report)) => return Ok(report),
                Err(Stop::Foreign(foreign)) => return Err(foreign),
            }
        }
        let mut outcome = first_words(settings, &status, code);
        outcome.worsen(state);
        let looked = look(settings, target, &page, &answer, &mut outcome).await?;
        return match looked {
            Ok(body) => say(settings, outcome, &page, &body, seconds, times),
            Err(report) => Ok(report),
        };
    }
}

/// The status line's number; None: it does not matter, for it is as `--expect` has it.
fn status_code(
    settings: &Settings,
    target: &Target,
    status: &str,
    page: &Page,
    answer: &Answer<'_>,
) -> Result<Result<Option<u16>, Report>, Foreign> {
    let expected = settings.expect.as_deref().unwrap_or("HTTP/1.");
    let is_expected = expected
        .split(',')
        .any(|part| !part.is_empty() && status.contains(part));
    if !is_expected {
        let mut text = if target.port == HTTP_PORT {
            format!("HTTP CRITICAL - Invalid HTTP response received from host: {status}")
        } else {
            format!(
                "HTTP CRITICAL - Invalid HTTP response received from host on port {}: {status}",
                target.port
            )
        };
        if settings.show_body {
            text.push_str("\n\n");
            text.push_str(shown_body(page, answer.body)?);
            // Here the body is the end, without one more line's end.
            text.truncate(text.strip_suffix('\n').map_or(text.len(), str::len));
        }
        return critical(text).map(Err);
    }
    if settings.expect.is_some() {
        return Ok(Ok(None));
    }
    let Some((_, code)) = status.split_once(' ') else {
        return Err(Foreign::unhandled("a status line without a blank"));
    };
    let digits = code.bytes().take_while(u8::is_ascii_digit).count();
    if digits != 3 {
        return critical(format!("HTTP CRITICAL: Invalid Status Line ({status})")).map(Err);
    }
    match code[..3].parse() {
        Ok(code @ 100..600) => Ok(Ok(Some(code))),
        _ => critical(format!("HTTP CRITICAL: Invalid Status ({status})")).map(Err),
    }
}

fn first_words(settings: &Settings, status: &str, code: Option<u16>) -> Outcome {
    let state = match (code, settings.on_redirect) {
        (Some(500..), _) => State::Critical,
        (Some(400..), _) => State::Warning,
        (Some(300..), OnRedirect::Is(state)) => state,
        _ => State::Ok,
    };
    let text = match (code, &settings.expect) {
        (None, Some(expect)) => format!("Status line output matched \"{expect}\" - "),
        _ => format!("{status} - "),
    };
    Outcome { state, text }
}

/// Ages, strings, patterns and sizes; gives back the body, put together from its chunks. A report: there is nothing more
/// to look at.
async fn look<'a>(
    settings: &Settings,
    target: &Target,
    page: &Page,
    answer: &Answer<'a>,
    outcome: &mut Outcome,
) -> Result<Result<Cow<'a, [u8]>, Report>, Foreign> {
    if let Some(age) = settings.max_age {
        dates::judge(answer.header, age, outcome);
    }
    let missing = |what: &str, wanted: &str| {
        let place = format!(
            "{}://{}:{}{}",
            if target.tls { "https" } else { "http" },
            target.name(),
            target.port,
            target.url
        );
        shortened(wanted).map(|wanted| format!("{what} '{wanted}' not found on '{place}', "))
    };
    let contains =
        |text: &[u8], wanted: &str| memchr::memmem::find(text, wanted.as_bytes()).is_some();
    if !contains(answer.header, &settings.header_string) {
        outcome.state = State::Critical;
        outcome.text += &missing("header", &settings.header_string)?;
    }
    let mut body = Cow::Borrowed(answer.body);
    if !settings.no_body && answer::is_chunked(answer.header) {
        if !page.is_whole {
            return Err(too_long());
        }
        match answer::join_chunks(answer.body)? {
            Some(joined) => body = Cow::Owned(joined),
            None => {
                return Ok(Err(Report::new(
                    State::Unknown,
                    "HTTP UNKNOWN: Failed to unchunk message body",
                )));
            }
        }
    }
    if !contains(&body, &settings.string) {
        if !page.is_whole {
            return Err(too_long());
        }
        outcome.state = State::Critical;
        outcome.text += &missing("string", &settings.string)?;
    }
    if let Some(pattern) = &settings.pattern {
        if !page.is_whole {
            return Err(too_long());
        }
        if found(pattern, &body).await? == settings.invert {
            outcome.state = State::Critical;
            outcome.text += if settings.invert {
                "pattern found, "
            } else {
                "pattern not found, "
            };
        }
    }
    let size = size(page)?;
    if 0 < settings.most_size && settings.most_size < size {
        outcome.worsen(State::Warning);
        outcome.text += &format!("page size {size} too large, ");
    } else if 0 < settings.least_size && size < settings.least_size {
        outcome.worsen(State::Warning);
        outcome.text += &format!("page size {size} too small, ");
    }
    Ok(Ok(body))
}

fn too_long() -> Foreign {
    Foreign::unhandled("the answer is longer than we keep")
}

fn size(page: &Page) -> Result<i64, Foreign> {
    i32::try_from(page.total)
        .map(i64::from)
        .map_err(|_| too_long())
}

/// At most 29 bytes.
fn shortened(wanted: &str) -> Result<String, Foreign> {
    if wanted.len() < 30 {
        return Ok(wanted.to_owned());
    }
    wanted
        .get(..26)
        .map(|beginning| format!("{beginning}..."))
        .ok_or_else(|| Foreign::unhandled("a letter that is cut"))
}

async fn found(pattern: &Pattern, text: &[u8]) -> Result<bool, Foreign> {
    if text.len() < LONG {
        return pattern.found_in(text);
    }
    let (pattern, text) = (pattern.clone(), text.to_vec());
    tokio::task::spawn_blocking(move || pattern.found_in(&text))
        .await
        .map_err(|_| Foreign::unhandled("the text was not searched"))?
}

fn shown_body<'a>(page: &Page, body: &'a [u8]) -> Result<&'a str, Foreign> {
    if !page.is_whole {
        return Err(too_long());
    }
    std::str::from_utf8(body).map_err(|_| Foreign::unhandled("a body that is no text"))
}

fn say(
    settings: &Settings,
    mut outcome: Outcome,
    page: &Page,
    body: &[u8],
    seconds: f64,
    times: Times,
) -> Result<Report, Foreign> {
    let text = &mut outcome.text;
    // The last separator goes.
    let cut = if text.ends_with(", ") { 2 } else { 3 };
    text.truncate(text.len().saturating_sub(cut));
    let size = size(page)?;
    #[expect(clippy::cast_precision_loss, reason = "seconds")]
    let timeout = Some(settings.timeout as f64);
    let end = |range: &Option<Range>| range.as_ref().map(|range| range.end.unwrap_or(0.0));
    *text += &format!(
        " - {size} bytes in {seconds:.3} second response time {}|",
        if settings.link { "</A>" } else { "" }
    );
    *text += &perfdata::float(
        "time",
        seconds,
        "s",
        end(&settings.warn),
        end(&settings.crit),
        Some(0.0),
        timeout,
    );
    *text += &match settings.least_size {
        1.. => format!(" size={size}B;{};0;0;", settings.least_size),
        _ => format!(" size={size}B;;;0;"),
    };
    if settings.extended {
        let part = |label: &str, took: std::time::Duration| {
            perfdata::float(label, took.as_secs_f64(), "s", None, None, None, timeout)
        };
        *text += &format!(
            " {} {} {} {} {}",
            part("time_connect", times.connect),
            times
                .tls
                .map(|took| part("time_ssl", took))
                .unwrap_or_default(),
            part("time_headers", times.headers),
            part("time_firstbyte", times.first_byte),
            part("time_transfer", times.transfer)
        );
    }
    if settings.show_body {
        text.push('\n');
        text.push_str(shown_body(page, body)?);
    }
    let alerts = |range: &Option<Range>| range.as_ref().is_some_and(|range| range.alerts(seconds));
    if alerts(&settings.crit) {
        outcome.worsen(State::Critical);
    } else if alerts(&settings.warn) {
        outcome.worsen(State::Warning);
    }
    let text = format!("HTTP {}: {}", outcome.state.name(), outcome.text);
    Ok(Report::new(outcome.state, text))
}
