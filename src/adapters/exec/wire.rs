//! The frames between the daemon and a spawner: a length (u32, little endian), then a tag and its fields.
//!
//! Both ends are the same build of the same program, so there is no version; a malformed frame ends the link.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use crate::{
    base::time::Timestamp,
    domain::model::{
        job::{CannotStart, Exit, JobId, Outcome},
        objects::Profile,
    },
};

/// The largest frame. A command line with its environment cannot be longer than what the kernel takes (2 MiB), and
/// outcomes hold two capped streams.
pub const MAX_FRAME: usize = 16 << 20;

/// From the daemon to a spawner. That the daemon closes its sending side means: end what runs, now.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// The first frame.
    Setup(Box<Setup>),
    Run(Order),
    /// No more orders follow; let what runs end.
    Finish,
}

/// What a spawner needs to know once.
#[derive(Clone, Debug, PartialEq)]
pub struct Setup {
    pub profile: Profile,
    pub plugin_dirs: Vec<PathBuf>,
    /// Bytes kept of each stream.
    pub max_output: usize,
    /// Between SIGTERM and SIGKILL.
    pub grace: Duration,
}

/// One plugin to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    pub job: JobId,
    pub line: String,
    pub env: Vec<(String, String)>,
    pub timeout: Duration,
}

/// From a spawner to the daemon.
#[derive(Clone, Debug, PartialEq)]
pub enum Report {
    /// The answer to the setup: why no plugin of this profile can run, if so.
    Ready {
        fault: Option<String>,
    },
    Done(Outcome),
}

/// The frame could not be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// Received bytes, taken apart into frames.
#[derive(Debug, Default)]
pub struct Inbox {
    bytes: Vec<u8>,
    /// Where the first frame not yet taken begins.
    at: usize,
}

impl Inbox {
    pub fn extend(&mut self, bytes: &[u8]) {
        if self.at != 0 {
            self.bytes.drain(..self.at);
            self.at = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole frame, without its length.
    pub fn next(&mut self) -> Result<Option<&[u8]>, Malformed> {
        let Some(length) = self.bytes.get(self.at..self.at + 4) else {
            return Ok(None);
        };
        let length = u32::from_le_bytes(length.try_into().map_err(|_| Malformed)?) as usize;
        if MAX_FRAME < length {
            return Err(Malformed);
        }
        let start = self.at + 4;
        let Some(frame) = self.bytes.get(start..start + length) else {
            return Ok(None);
        };
        self.at = start + length;
        Ok(Some(frame))
    }
}

impl Request {
    /// Appends the frame to `out`. False, and nothing appended, if it would be larger than [`MAX_FRAME`].
    pub fn encode(&self, out: &mut Vec<u8>) -> bool {
        frame(out, |out| match self {
            Self::Setup(setup) => {
                out.push(0);
                put_profile(out, &setup.profile);
                put_list(out, &setup.plugin_dirs, |out, dir| put_path(out, dir));
                put_u64(out, setup.max_output as u64);
                put_span(out, setup.grace);
            }
            Self::Run(order) => {
                out.push(1);
                put_u64(out, order.job.0);
                put_text(out, &order.line);
                put_list(out, &order.env, put_pair);
                put_span(out, order.timeout);
            }
            Self::Finish => out.push(2),
        })
    }

    pub fn decode(frame: &[u8]) -> Result<Self, Malformed> {
        let mut from = Reader(frame);
        match from.u8()? {
            0 => Ok(Self::Setup(Box::new(Setup {
                profile: profile(&mut from)?,
                plugin_dirs: from.list(Reader::path)?,
                max_output: usize::try_from(from.u64()?).map_err(|_| Malformed)?,
                grace: from.span()?,
            }))),
            1 => Ok(Self::Run(Order {
                job: JobId(from.u64()?),
                line: from.text()?,
                env: from.list(Reader::pair)?,
                timeout: from.span()?,
            })),
            2 => Ok(Self::Finish),
            _ => Err(Malformed),
        }
    }
}

impl Report {
    /// Appends the frame to `out`; see [`Request::encode`].
    pub fn encode(&self, out: &mut Vec<u8>) -> bool {
        frame(out, |out| match self {
            Self::Ready { fault } => {
                out.push(0);
                put_option(out, fault.as_deref(), put_text);
            }
            Self::Done(outcome) => {
                out.push(1);
                put_u64(out, outcome.job.0);
                put_exit(out, &outcome.exit);
                put_bytes(out, &outcome.stdout);
                put_bytes(out, &outcome.stderr);
                put_u64(out, outcome.cut);
                put_u64(out, outcome.started.millis().cast_unsigned());
                put_span(out, outcome.took);
                put_span(out, outcome.cpu);
                put_u64(out, outcome.peak_kib);
            }
        })
    }

    pub fn decode(frame: &[u8]) -> Result<Self, Malformed> {
        let mut from = Reader(frame);
        match from.u8()? {
            0 => Ok(Self::Ready {
                fault: from.option(Reader::text)?,
            }),
            1 => Ok(Self::Done(Outcome {
                job: JobId(from.u64()?),
                exit: exit(&mut from)?,
                stdout: from.bytes()?.to_vec(),
                stderr: from.bytes()?.to_vec(),
                cut: from.u64()?,
                started: Timestamp::from_millis(from.u64()?.cast_signed()),
                took: from.span()?,
                cpu: from.span()?,
                peak_kib: from.u64()?,
            })),
            _ => Err(Malformed),
        }
    }
}

fn frame(out: &mut Vec<u8>, fields: impl FnOnce(&mut Vec<u8>)) -> bool {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    fields(out);
    let length = out.len() - start - 4;
    match u32::try_from(length) {
        Ok(prefix) if length <= MAX_FRAME => {
            out[start..start + 4].copy_from_slice(&prefix.to_le_bytes());
            true
        }
        _ => {
            out.truncate(start);
            false
        }
    }
}

fn put_u64(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn put_span(out: &mut Vec<u8>, span: Duration) {
    put_u64(out, u64::try_from(span.as_nanos()).unwrap_or(u64::MAX));
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_u64(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_bytes(out, text.as_bytes());
}

fn put_path(out: &mut Vec<u8>, path: &std::path::Path) {
    put_bytes(out, path.as_os_str().as_encoded_bytes());
}

fn put_pair(out: &mut Vec<u8>, pair: &(String, String)) {
    put_text(out, &pair.0);
    put_text(out, &pair.1);
}

fn put_list<T>(out: &mut Vec<u8>, items: &[T], put: impl Fn(&mut Vec<u8>, &T)) {
    put_u64(out, items.len() as u64);
    for item in items {
        put(out, item);
    }
}

fn put_option<T: ?Sized>(out: &mut Vec<u8>, item: Option<&T>, put: impl Fn(&mut Vec<u8>, &T)) {
    out.push(u8::from(item.is_some()));
    if let Some(item) = item {
        put(out, item);
    }
}

fn put_number(out: &mut Vec<u8>, number: Option<u64>) {
    put_option(out, number.as_ref(), |out, number| put_u64(out, *number));
}

fn put_profile(out: &mut Vec<u8>, profile: &Profile) {
    put_text(out, &profile.name);
    put_option(out, profile.user.as_deref(), put_text);
    put_option(out, profile.group.as_deref(), put_text);
    put_number(
        out,
        profile.nice.map(|nice| i64::from(nice).cast_unsigned()),
    );
    put_number(out, profile.umask.map(u64::from));
    out.push(u8::from(profile.no_new_privs));
    put_number(out, profile.max_open_files);
    put_number(out, profile.max_memory);
    put_number(out, profile.max_cpu_seconds);
    put_number(out, profile.max_core);
    put_number(out, profile.max_processes);
    put_option(out, profile.directory.as_deref(), put_path);
    let environment: Vec<(String, String)> = profile
        .environment
        .iter()
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    put_list(out, &environment, put_pair);
}

fn profile(from: &mut Reader<'_>) -> Result<Profile, Malformed> {
    Ok(Profile {
        name: from.text()?,
        user: from.option(Reader::text)?,
        group: from.option(Reader::text)?,
        nice: match from.option(Reader::u64)? {
            Some(nice) => Some(i32::try_from(nice.cast_signed()).map_err(|_| Malformed)?),
            None => None,
        },
        umask: match from.option(Reader::u64)? {
            Some(umask) => Some(u32::try_from(umask).map_err(|_| Malformed)?),
            None => None,
        },
        no_new_privs: from.u8()? != 0,
        max_open_files: from.option(Reader::u64)?,
        max_memory: from.option(Reader::u64)?,
        max_cpu_seconds: from.option(Reader::u64)?,
        max_core: from.option(Reader::u64)?,
        max_processes: from.option(Reader::u64)?,
        directory: from.option(Reader::path)?,
        environment: from
            .list(Reader::pair)?
            .into_iter()
            .collect::<BTreeMap<_, _>>(),
    })
}

fn put_exit(out: &mut Vec<u8>, exit: &Exit) {
    match exit {
        Exit::Code(code) => {
            out.push(0);
            out.extend_from_slice(&code.to_le_bytes());
        }
        Exit::Signal { number, core } => {
            out.push(1);
            out.extend_from_slice(&number.to_le_bytes());
            out.push(u8::from(*core));
        }
        Exit::TimedOut => out.push(2),
        Exit::CannotStart { why, kind } => {
            out.push(match kind {
                CannotStart::NotFound => 3,
                CannotStart::NotExecutable => 4,
                CannotStart::Other => 5,
            });
            put_text(out, why);
        }
    }
}

fn exit(from: &mut Reader<'_>) -> Result<Exit, Malformed> {
    let cannot = |from: &mut Reader<'_>, kind| {
        Ok(Exit::CannotStart {
            why: from.text()?,
            kind,
        })
    };
    match from.u8()? {
        0 => Ok(Exit::Code(from.i32()?)),
        1 => Ok(Exit::Signal {
            number: from.i32()?,
            core: from.u8()? != 0,
        }),
        2 => Ok(Exit::TimedOut),
        3 => cannot(from, CannotStart::NotFound),
        4 => cannot(from, CannotStart::NotExecutable),
        5 => cannot(from, CannotStart::Other),
        _ => Err(Malformed),
    }
}

/// What is left of a frame.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (first, rest) = self.0.split_first_chunk::<N>().ok_or(Malformed)?;
        self.0 = rest;
        Ok(*first)
    }

    fn u8(&mut self) -> Result<u8, Malformed> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn i32(&mut self) -> Result<i32, Malformed> {
        self.array().map(i32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_le_bytes)
    }

    fn span(&mut self) -> Result<Duration, Malformed> {
        self.u64().map(Duration::from_nanos)
    }

    fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(self.u64()?).map_err(|_| Malformed)?;
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(Malformed)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn text(&mut self) -> Result<String, Malformed> {
        String::from_utf8(self.bytes()?.to_vec()).map_err(|_| Malformed)
    }

    fn path(&mut self) -> Result<PathBuf, Malformed> {
        use std::os::unix::ffi::OsStrExt;
        self.bytes()
            .map(|bytes| PathBuf::from(std::ffi::OsStr::from_bytes(bytes)))
    }

    fn pair(&mut self) -> Result<(String, String), Malformed> {
        Ok((self.text()?, self.text()?))
    }

    fn list<T>(
        &mut self,
        item: impl Fn(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        let count = self.u64()?;
        // No allocation by a length that was only claimed.
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(item(self)?);
        }
        Ok(items)
    }

    fn option<T>(
        &mut self,
        item: impl Fn(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Option<T>, Malformed> {
        match self.u8()? {
            0 => Ok(None),
            _ => item(self).map(Some),
        }
    }
}
