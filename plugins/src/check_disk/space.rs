//! How much of a file system is used, and what `check_disk` says about it.

use nix::sys::statvfs::Statvfs;

use crate::{Foreign, State, threshold::Range};

/// One warning and one critical limit.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Pair {
    pub warn: Option<Range>,
    pub crit: Option<Range>,
}

impl Pair {
    pub const fn is_set(&self) -> bool {
        self.warn.is_some() || self.crit.is_some()
    }

    fn judge(&self, value: f64) -> State {
        let alerts = |range: &Option<Range>| range.as_ref().is_some_and(|it| it.alerts(value));
        if alerts(&self.crit) {
            State::Critical
        } else if alerts(&self.warn) {
            State::Warning
        } else {
            State::Ok
        }
    }
}

/// The limits that were given before a path.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Limits {
    /// In the units.
    pub units: Pair,
    /// In percent.
    pub percent: Pair,
    /// In percent.
    pub inodes: Pair,
}

impl Limits {
    pub const fn is_set(&self) -> bool {
        self.units.is_set() || self.percent.is_set() || self.inodes.is_set()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Show {
    pub unit: &'static str,
    /// Bytes in one.
    pub bytes: u64,
    /// `-f`
    pub without_reserved: bool,
    /// `-P`
    pub inodes: bool,
}

/// As the kernel says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    pub block: u64,
    pub blocks: u64,
    pub free: u64,
    pub available: u64,
    pub files: u64,
    pub files_free: u64,
}

impl From<Statvfs> for Usage {
    // The types differ from system to system.
    #[expect(clippy::useless_conversion, reason = "elsewhere they are narrower")]
    fn from(stat: Statvfs) -> Self {
        let fragment = u64::from(stat.fragment_size());
        Self {
            block: if fragment == 0 {
                u64::from(stat.block_size())
            } else {
                fragment
            },
            blocks: u64::from(stat.blocks()),
            free: u64::from(stat.blocks_free()),
            available: u64::from(stat.blocks_available()),
            files: u64::from(stat.files()),
            files_free: u64::from(stat.files_free()),
        }
    }
}

/// One file system's part of what is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub state: State,
    pub text: String,
    pub data: String,
}

/// In percent, rounded up; -1: of nothing.
fn percent(part: u64, whole: u64) -> Option<f64> {
    if whole == 0 {
        return Some(-1.0);
    }
    let hundredfold = part.checked_mul(100)?;
    #[expect(clippy::cast_precision_loss, reason = "at most some hundreds")]
    Some(hundredfold.div_ceil(whole) as f64)
}

/// What a C compiler makes of a cast to 64 bits without a sign. None: it depends on the machine.
fn cast(value: f64) -> Option<u64> {
    let limit = 9.0e18;
    if value <= -1.0 && !cfg!(target_arch = "x86_64") || !(-limit..limit).contains(&value) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "as C does")]
    Some((value as i64).cast_unsigned())
}

/// `name` is what it is called: mount point or device.
pub(super) fn say(
    name: &str,
    usage: &Usage,
    limits: &Limits,
    show: &Show,
) -> Result<Said, Foreign> {
    compute(name, usage, limits, show).ok_or_else(|| {
        Foreign::unhandled(format!("`{name}` has sizes that we do not compute with"))
    })
}

#[expect(clippy::cast_precision_loss, reason = "as the real one does")]
fn compute(name: &str, usage: &Usage, limits: &Limits, show: &Show) -> Option<Said> {
    let used = usage.blocks.checked_sub(usage.free)?;
    let total = if show.without_reserved {
        used.checked_add(usage.available)?
    } else {
        usage.blocks
    };
    let units = |blocks: u64| Some(blocks.checked_mul(usage.block)? / show.bytes);
    let (used_units, free_units, total_units) =
        (units(used)?, units(usage.available)?, units(total)?);
    let free_percent = 100.0 - percent(used, used.checked_add(usage.available)?)?;
    let used_inodes = usage.files.checked_sub(usage.files_free)?;
    let used_inodes_percent = percent(used_inodes, usage.files)?;
    let free_inodes = 100.0 - used_inodes_percent;

    let state = limits
        .units
        .judge(free_units as f64)
        .max(limits.percent.judge(free_percent))
        .max(limits.inodes.judge(free_inodes));

    // The text says what is free, and the data what is used.
    let bytes = total_units.checked_mul(show.bytes)?;
    let end = |range: &Range| range.end.unwrap_or(0.0);
    let tide = |units: &Option<Range>, percent: &Option<Range>| -> Option<String> {
        let mut tide = u64::MAX;
        if let Some(range) = units {
            tide = cast((total_units as f64 - end(range)) * show.bytes as f64)?;
        }
        if let Some(range) = percent {
            tide = tide.min(cast((1.0 - end(range) / 100.0) * bytes as f64)?);
        }
        Some(if tide == u64::MAX {
            String::new()
        } else {
            tide.to_string()
        })
    };
    let quoted = |label: String| {
        if label.contains([' ', '\'', '=']) {
            format!("'{label}'")
        } else {
            label
        }
    };
    let mut data = format!(
        " {}={}B;{};{};0;{bytes}",
        quoted(name.to_owned()),
        used_units * show.bytes,
        tide(&limits.units.warn, &limits.percent.warn)?,
        tide(&limits.units.crit, &limits.percent.crit)?,
    );
    if show.inodes {
        let tide = |range: &Option<Range>| -> Option<String> {
            Some(match range {
                None => String::new(),
                Some(range) => {
                    let limit = (1.0 - end(range) / 100.0) * usage.files as f64;
                    cast(limit.abs())?.to_string()
                }
            })
        };
        data += &format!(
            " {}={used_inodes};{};{};0;{}",
            quoted(format!("{name} (inodes)")),
            tide(&limits.inodes.warn)?,
            tide(&limits.inodes.crit)?,
            usage.files,
        );
    }

    let inodes = if used_inodes_percent < 0.0 {
        let bracket = if state == State::Ok { "" } else { "]" };
        format!("inode=-){bracket}")
    } else {
        format!("inode={free_inodes:.0}%)")
    };
    let unit = show.unit;
    let text = format!(" {name} {free_units}{unit} ({free_percent:.0}% {inodes};");
    Some(Said { state, text, data })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: Show = Show {
        unit: "MiB",
        bytes: 1 << 20,
        without_reserved: false,
        inodes: false,
    };

    #[test]
    fn sizes_that_no_disk_has_do_no_harm() {
        let some = [0, 1, 7, 1 << 40, u64::MAX / 100, u64::MAX - 1, u64::MAX];
        let range = |text: &str| Range::parse(text);
        let limits = Limits {
            units: Pair {
                warn: range("@200"),
                crit: range("@1e30"),
            },
            percent: Pair {
                warn: range("@110"),
                crit: range("@-5:"),
            },
            inodes: Pair::default(),
        };
        for block in some {
            for blocks in some {
                for free in some {
                    for available in some {
                        let usage = Usage {
                            block,
                            blocks,
                            free,
                            available,
                            files: free,
                            files_free: available,
                        };
                        for limits in [&limits, &Limits::default()] {
                            let show = Show {
                                without_reserved: true,
                                inodes: true,
                                ..MIB
                            };
                            let _ = compute("x", &usage, limits, &show);
                            let _ = compute("x", &usage, limits, &MIB);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn without_inodes() {
        let usage = Usage {
            block: 4096,
            blocks: 2560,
            free: 256,
            available: 256,
            files: 0,
            files_free: 0,
        };
        let limits = Limits::default();
        let said = compute("/x", &usage, &limits, &MIB).expect("a plain one");
        assert_eq!(said.text, " /x 1MiB (10% inode=-);");
        assert_eq!(said.data, " /x=9437184B;;;0;10485760");
    }
}
