//! Nagios' chain of filters before a notification (`base/notifications.c`), in its order. The first that fails decides.
//! Never looks at deploys: holds come after this gate.

use std::{fmt, time::Duration};

use crate::{
    base::time::{Timestamp, show_duration},
    domain::model::{
        message::Kind,
        objects::NotifyRule,
        state::{State, StateType},
        status::Status,
    },
};

/// What the filters look at.
#[derive(Clone, Debug)]
pub struct Scene<'a> {
    pub now: Timestamp,
    pub is_host: bool,
    pub status: &'a Status,
    pub rule: &'a NotifyRule,
    pub volatile: bool,
    /// The installation's own switch.
    pub enabled: bool,
    pub in_downtime: bool,
    /// For checks: a flexible downtime of it that has not begun could begin now.
    pub flexible_open: bool,
    /// For checks: the host's status, and whether it is in downtime.
    pub host: Option<HostScene<'a>>,
    /// When the daemon started: `first_delay` counts from here at the earliest.
    pub began_at: Timestamp,
    /// A dependency that keeps problems and recoveries back.
    pub depends: Option<Why>,
    /// None of the checks that this one stands behind is OK.
    pub check_parents_down: bool,
    /// A silence or a mute time.
    pub quiet: Option<Why>,
}

#[derive(Clone, Copy, Debug)]
pub struct HostScene<'a> {
    pub status: &'a Status,
    pub in_downtime: bool,
    pub flexible_open: bool,
    /// The host's own problem is told to somebody: else its checks must not wait for that.
    pub is_told: bool,
}

/// Why nobody is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    Disabled,
    OutsidePeriod {
        period: String,
        until: Option<Timestamp>,
    },
    DisabledHere,
    NotWanted {
        what: String,
    },
    InDowntime,
    HostInDowntime,
    FlexibleOpen,
    Soft,
    Acknowledged {
        by: String,
    },
    StateNotWanted {
        state: State,
    },
    NobodyWasTold,
    FirstDelay {
        until: Timestamp,
    },
    Flapping,
    OnceOnly,
    HostProblem {
        state: State,
    },
    Depends {
        master: String,
        state: &'static str,
    },
    CheckParentsDown,
    TooSoon {
        until: Timestamp,
    },
    NoContact {
        why: String,
    },
    NotAProblem,
    Silenced {
        id: u64,
        owner: String,
        reason: String,
        until: Timestamp,
    },
    Muted {
        name: String,
        owner: String,
        reason: String,
        until: Option<Timestamp>,
    },
}

impl Why {
    /// The key of the configuration that says so; None where it was a person, or is the same everywhere.
    pub fn key(&self, status: &Status) -> Option<&'static str> {
        Some(match self {
            Self::OutsidePeriod { .. } => "notify_period",
            Self::DisabledHere if !status.notifications_off => "notify",
            Self::NotWanted { what } if what == "flapping" => "flapping",
            Self::NotWanted { .. } => "downtime",
            Self::Soft => "attempts",
            Self::StateNotWanted { .. } => "states",
            Self::FirstDelay { .. } => "first_delay",
            Self::OnceOnly | Self::TooSoon { .. } => "remind",
            Self::CheckParentsDown => "parents",
            Self::NoContact { .. } => "contacts",
            _ => return None,
        })
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disabled => {
                f.write_str("notifications are switched off for the whole installation")
            }
            Self::OutsidePeriod { period, until } => {
                write!(f, "outside the notification period `{period}`")?;
                until.map_or(Ok(()), |until| write!(f, ", which opens at {until}"))
            }
            Self::DisabledHere => f.write_str("notifications are switched off for this object"),
            Self::NotWanted { what } => write!(f, "this object does not notify of {what}"),
            Self::InDowntime => f.write_str("it is in a downtime"),
            Self::HostInDowntime => f.write_str("its host is in a downtime"),
            Self::FlexibleOpen => f.write_str("a flexible downtime may begin at any moment"),
            Self::Soft => f.write_str("the state is soft: not all attempts have failed yet"),
            Self::Acknowledged { by } => write!(f, "the problem is acknowledged by {by}"),
            Self::StateNotWanted { state } => write!(f, "this object does not notify of {state}"),
            Self::NobodyWasTold => {
                f.write_str("nobody was told of the problem, so nobody is told of its end")
            }
            Self::FirstDelay { until } => write!(
                f,
                "the first notification waits until {until} (first_delay)"
            ),
            Self::Flapping => f.write_str("it is flapping"),
            Self::OnceOnly => f.write_str(
                "one notification per problem is configured (remind = \"0s\") and it was sent",
            ),
            Self::HostProblem { state } => write!(
                f,
                "its host is {state}: the host's own problem is notified instead"
            ),
            Self::Depends { master, state } => {
                write!(f, "it depends on {master}, which is {state}")
            }
            Self::CheckParentsDown => {
                f.write_str("no check that it stands behind is OK: theirs is notified instead")
            }
            Self::TooSoon { until } => write!(f, "the next reminder is due at {until}"),
            Self::NoContact { why } => f.write_str(why),
            Self::NotAProblem => f.write_str("it is not in a problem state"),
            Self::Silenced {
                id,
                owner,
                reason,
                until,
            } => write!(
                f,
                "kept quiet by the silence {id} of {owner} ({reason}) until {until}"
            ),
            Self::Muted {
                name,
                owner,
                reason,
                until,
            } => {
                write!(
                    f,
                    "kept quiet by the mute time {name} of {owner} ({reason})"
                )?;
                until.map_or(Ok(()), |until| write!(f, " until {until}"))
            }
        }
    }
}

/// Passes, or says why not. `kind` is one of Nagios' notification types.
pub fn judge(kind: Kind, scene: &Scene<'_>) -> Result<(), Why> {
    let status = scene.status;
    if !scene.enabled {
        return Err(Why::Disabled);
    }
    if let Some(period) = &scene.rule.period
        && !period.contains(scene.now)
    {
        return Err(Why::OutsidePeriod {
            period: period.name().to_owned(),
            until: period.next_open(scene.now),
        });
    }
    if !scene.rule.enabled || status.notifications_off {
        return Err(Why::DisabledHere);
    }
    match kind {
        Kind::Custom => return quiet(scene).and_then(|()| silence(scene)),
        Kind::Acknowledgement => {
            return if status.state.is_problem() {
                Ok(())
            } else {
                Err(Why::NotAProblem)
            };
        }
        Kind::FlappingStart | Kind::FlappingStop | Kind::FlappingDisabled => {
            if !scene.rule.on_flapping {
                return Err(Why::NotWanted {
                    what: "flapping".to_owned(),
                });
            }
            return quiet(scene).and_then(|()| silence(scene));
        }
        Kind::DowntimeStart | Kind::DowntimeEnd | Kind::DowntimeCancelled => {
            if !scene.rule.on_downtime {
                return Err(Why::NotWanted {
                    what: "downtimes".to_owned(),
                });
            }
            return if scene.in_downtime {
                Err(Why::InDowntime)
            } else {
                Ok(())
            };
        }
        Kind::Problem | Kind::Recovery => {}
        // Ours beyond Nagios' belong to a page that already passed, or go to a deploy's team.
        Kind::Amendment | Kind::Digest | Kind::Notice => return Ok(()),
    }
    problem_or_recovery(kind, scene)
}

fn quiet(scene: &Scene<'_>) -> Result<(), Why> {
    if scene.in_downtime {
        return Err(Why::InDowntime);
    }
    if scene.host.is_some_and(|host| host.in_downtime) {
        Err(Why::HostInDowntime)
    } else {
        Ok(())
    }
}

/// Ours beyond Nagios' rules, and so after them.
fn silence(scene: &Scene<'_>) -> Result<(), Why> {
    scene.quiet.clone().map_or(Ok(()), Err)
}

/// Rules 11 to 26 of the check chain, 9 to 18 of the host chain.
fn problem_or_recovery(kind: Kind, scene: &Scene<'_>) -> Result<(), Why> {
    let (status, rule, now) = (scene.status, scene.rule, scene.now);
    if kind == Kind::Problem && scene.check_parents_down {
        return Err(Why::CheckParentsDown);
    }
    if status.state_type == StateType::Soft {
        return Err(Why::Soft);
    }
    if let Some(ack) = &status.ack {
        return Err(Why::Acknowledged { by: ack.by.clone() });
    }
    if let Some(why) = &scene.depends {
        return Err(why.clone());
    }
    if !rule.states.has(status.state) {
        return Err(Why::StateNotWanted {
            state: status.state,
        });
    }
    if !status.state.is_problem() && status.notified_on.is_empty() {
        return Err(Why::NobodyWasTold);
    }
    if kind == Kind::Problem
        && Duration::ZERO < rule.first_delay
        && status.number == 0
        && status.state.is_problem()
    {
        // A change seen before this start counts from the start, as in Nagios.
        let from = status.last_hard_change_at.max(scene.began_at).second();
        let until = from + rule.first_delay;
        if now < until {
            return Err(Why::FirstDelay { until });
        }
    }
    if status.flap.flapping {
        return Err(Why::Flapping);
    }
    quiet(scene)?;
    if scene.flexible_open || scene.host.is_some_and(|host| host.flexible_open) {
        return Err(Why::FlexibleOpen);
    }
    if status.no_more && kind == Kind::Problem {
        return Err(Why::OnceOnly);
    }
    if let Some(host) = scene.host {
        let is_down = host.status.state.is_problem() && host.status.state_type == StateType::Hard;
        // Not as Nagios, which tells nobody at all where a host has no contacts.
        if is_down && host.is_told {
            return Err(Why::HostProblem {
                state: host.status.state,
            });
        }
    }
    if now < status.next_notify_at && !scene.volatile {
        return Err(Why::TooSoon {
            until: status.next_notify_at,
        });
    }
    // Whoever was told of a problem hears of its end, come what may.
    if kind == Kind::Problem {
        silence(scene)
    } else {
        Ok(())
    }
}

/// What follows for the status when a notification was refused (side effects of 4.1).
pub fn refused(kind: Kind, why: &Why, status: &mut Status, rule: &NotifyRule, now: Timestamp) {
    match why {
        Why::OutsidePeriod { until, .. } if kind == Kind::Problem => {
            status.next_notify_at = until.unwrap_or(now + Duration::from_secs(365 * 86_400));
        }
        Why::StateNotWanted { .. } if kind == Kind::Recovery => {
            status.notified_on = crate::domain::model::state::StateSet::EMPTY;
            status.number = 0;
        }
        Why::InDowntime | Why::HostInDowntime if rule.remind.is_zero() => {
            status.next_notify_at = now;
        }
        Why::Disabled
        | Why::OutsidePeriod { .. }
        | Why::DisabledHere
        | Why::NotWanted { .. }
        | Why::InDowntime
        | Why::HostInDowntime
        | Why::FlexibleOpen
        | Why::Soft
        | Why::Acknowledged { .. }
        | Why::StateNotWanted { .. }
        | Why::NobodyWasTold
        | Why::FirstDelay { .. }
        | Why::Flapping
        | Why::OnceOnly
        | Why::HostProblem { .. }
        | Why::Depends { .. }
        | Why::CheckParentsDown
        | Why::TooSoon { .. }
        | Why::NoContact { .. }
        | Why::NotAProblem
        | Why::Silenced { .. }
        | Why::Muted { .. } => {}
    }
}

/// Why a problem is told now, in a sentence.
pub fn reason(scene: &Scene<'_>, attempts: u32, remind: Duration) -> String {
    let status = scene.status;
    if 1 < status.number {
        return format!(
            "still {}: reminder {} (every {})",
            status.state,
            status.number,
            show_duration(remind)
        );
    }
    format!(
        "hard {} after attempt {} of {attempts}",
        status.state, status.attempt
    )
}
