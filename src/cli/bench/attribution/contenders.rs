//! Who competes: engines of their own (plain, with downtimes, ours and ours with parts left out), and rules over the pages
//! of the plain one.

use std::{fmt, sync::Arc, time::Duration};

use super::{
    drive::{self, Log},
    filters,
    parameters::Baselines,
    story::{Ms, Story},
    world::World,
};
use crate::{
    base::time::Timestamp,
    domain::{
        deploy::trial::Trial,
        engine::input::Input,
        model::{
            command::{Children, Command, DowntimeFilter},
            deploy::Phase,
            objects::Inventory,
            state::ObjectName,
        },
    },
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Contender {
    /// B0: no deploy events.
    Plain,
    /// B1: a downtime of so many minutes for each deploy.
    Downtime {
        minutes: u32,
        deleted: bool,
    },
    /// B2: the same, with Icinga's rule at its end.
    Icinga {
        minutes: u32,
    },
    /// B3: a silence of the app.
    Silence,
    /// B4: the most recent deploy of so many minutes.
    Recent {
        minutes: u32,
    },
    /// B5: of the same app.
    SameApp {
        minutes: u32,
    },
    /// B6: ours without votes and probing.
    Distance,
    /// B7.
    Random,
    /// B8.
    Oracle,
    Ours,
    NoVotes,
    NoVetoes,
    NoProbing,
    NoAmendments,
    NoBreakers,
}

impl Contender {
    /// All, with every setting of the tuned ones.
    pub fn all(p: &Baselines) -> Vec<Self> {
        let mut all = vec![Self::Plain];
        for deleted in [false, true] {
            all.extend(p.downtime_minutes.iter().map(|minutes| Self::Downtime {
                minutes: *minutes,
                deleted,
            }));
        }
        all.extend(
            p.downtime_minutes
                .iter()
                .map(|minutes| Self::Icinga { minutes: *minutes }),
        );
        all.push(Self::Silence);
        all.extend(
            p.recent_minutes
                .iter()
                .map(|minutes| Self::Recent { minutes: *minutes }),
        );
        all.extend(
            p.same_app_minutes
                .iter()
                .map(|minutes| Self::SameApp { minutes: *minutes }),
        );
        all.extend([
            Self::Distance,
            Self::Random,
            Self::Oracle,
            Self::NoVotes,
            Self::NoVetoes,
            Self::NoProbing,
            Self::NoAmendments,
            Self::NoBreakers,
            Self::Ours,
        ]);
        all
    }

    /// Contenders that are one with different settings.
    pub const fn family(self) -> &'static str {
        match self {
            Self::Plain => "B0",
            Self::Downtime { .. } => "B1",
            Self::Icinga { .. } => "B2",
            Self::Silence => "B3",
            Self::Recent { .. } => "B4",
            Self::SameApp { .. } => "B5",
            Self::Distance => "B6",
            Self::Random => "B7",
            Self::Oracle => "B8",
            Self::Ours => "ours",
            Self::NoVotes
            | Self::NoVetoes
            | Self::NoProbing
            | Self::NoAmendments
            | Self::NoBreakers => "part",
        }
    }

    /// It says who did it.
    pub const fn attributes(self) -> bool {
        !matches!(
            self,
            Self::Plain | Self::Downtime { .. } | Self::Icinga { .. } | Self::Silence
        )
    }

    /// A rule over the plain engine's pages.
    pub const fn is_filter(self) -> bool {
        matches!(
            self,
            Self::Icinga { .. }
                | Self::Silence
                | Self::Recent { .. }
                | Self::SameApp { .. }
                | Self::Random
                | Self::Oracle
        )
    }

    const fn trial(self) -> Option<Trial> {
        let all = Trial {
            votes: true,
            vetoes: true,
            probing: true,
            amendments: true,
            breakers: true,
        };
        Some(match self {
            Self::Ours => all,
            Self::Distance => Trial {
                votes: false,
                probing: false,
                ..all
            },
            Self::NoVotes => Trial {
                votes: false,
                ..all
            },
            Self::NoVetoes => Trial {
                vetoes: false,
                ..all
            },
            Self::NoProbing => Trial {
                probing: false,
                ..all
            },
            Self::NoAmendments => Trial {
                amendments: false,
                ..all
            },
            Self::NoBreakers => Trial {
                breakers: false,
                ..all
            },
            _ => return None,
        })
    }
}

impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain => write!(f, "B0 plain"),
            Self::Downtime { minutes, deleted } => {
                let how = if *deleted { ", deleted at the end" } else { "" };
                write!(f, "B1 downtime {minutes} min{how}")
            }
            Self::Icinga { minutes } => write!(f, "B2 Icinga's downtime {minutes} min"),
            Self::Silence => write!(f, "B3 silence of the app"),
            Self::Recent { minutes } => write!(f, "B4 most recent, {minutes} min"),
            Self::SameApp { minutes } => write!(f, "B5 same app, {minutes} min"),
            Self::Distance => write!(f, "B6 distance and recency"),
            Self::Random => write!(f, "B7 random"),
            Self::Oracle => write!(f, "B8 oracle"),
            Self::Ours => write!(f, "ours"),
            Self::NoVotes => write!(f, "ours without votes"),
            Self::NoVetoes => write!(f, "ours without vetoes"),
            Self::NoProbing => write!(f, "ours without probing"),
            Self::NoAmendments => write!(f, "ours without amendments"),
            Self::NoBreakers => write!(f, "ours without breakers"),
        }
    }
}

/// What all contenders of one seed share.
pub struct Stage<'a> {
    pub seed: u64,
    pub baselines: &'a Baselines,
    pub fleet: &'a super::fleet::Fleet,
    pub story: &'a Story,
    pub world: &'a World,
    pub inventory: &'a Arc<Inventory>,
}

impl Stage<'_> {
    /// What `contender` tells people; `plain` is what B0 told.
    pub fn play(&self, contender: Contender, plain: &Log) -> Log {
        if let Some(trial) = contender.trial() {
            return self.drive(trial, &self.deploy_events(), None);
        }
        let p = self.baselines;
        match contender {
            Contender::Downtime { minutes, deleted } => {
                self.drive(Trial::default(), &self.downtimes(minutes, deleted), None)
            }
            Contender::Icinga { minutes } => filters::icinga(self, plain, minutes),
            Contender::Silence => filters::silence(self, plain),
            Contender::Recent { minutes } => filters::recent(self, plain, minutes, false),
            Contender::SameApp { minutes } => filters::recent(self, plain, minutes, true),
            Contender::Random => filters::random(self, plain, p.eligible_minutes),
            Contender::Oracle => filters::oracle(self, plain),
            _ => self.drive_plain(),
        }
    }

    pub fn drive_plain(&self) -> Log {
        self.drive(Trial::default(), &[], None)
    }

    pub fn drive<'b>(
        &'b self,
        trial: Trial,
        inputs: &[(Timestamp, Input)],
        trace: Option<drive::Trace<'b>>,
    ) -> Log {
        drive::drive(
            self.inventory.clone(),
            self.world,
            trial,
            inputs,
            self.story.end,
            trace,
        )
    }

    pub fn deploy_events(&self) -> Vec<(Timestamp, Input)> {
        self.story
            .events
            .iter()
            .map(|event| (event.received, Input::Deploy(event.clone())))
            .collect()
    }

    /// A downtime for each host of each deploy and all its checks, as a deploy script sets it.
    fn downtimes(&self, minutes: u32, deleted: bool) -> Vec<(Timestamp, Input)> {
        let mut inputs = Vec::new();
        for event in &self.story.events {
            let at = event.received;
            match event.phase {
                Phase::Started => {
                    let end = at + Duration::from_secs(u64::from(minutes) * 60);
                    for host in self.hosts_of(event) {
                        inputs.push((at, downtime(host, &event.id, at, end)));
                    }
                }
                phase if phase.is_terminal() && deleted => {
                    let filter = DowntimeFilter {
                        comment: Some(event.id.clone()),
                        ..DowntimeFilter::default()
                    };
                    let author = "deploy".to_owned();
                    inputs.push((
                        at,
                        Input::Command(Command::DeleteDowntimes { filter, author }),
                    ));
                }
                _ => {}
            }
        }
        inputs
    }

    /// The hosts it names, else those of the app it names.
    pub fn hosts_of(&self, event: &crate::domain::model::deploy::DeployEvent) -> Vec<String> {
        if !event.hosts.is_empty() {
            return event.hosts.clone();
        }
        self.fleet
            .apps
            .iter()
            .filter(|app| Some(&app.name) == event.app.as_ref())
            .flat_map(|app| &app.hosts)
            .map(|host| self.fleet.hosts[*host].name.clone())
            .collect()
    }
}

fn downtime(host: String, deploy: &str, start: Timestamp, end: Timestamp) -> Input {
    Input::Command(Command::ScheduleDowntime {
        object: ObjectName {
            host: host.into(),
            check: None,
        },
        with_checks: true,
        only_checks: false,
        children: Children::Untouched,
        start,
        end,
        fixed: true,
        duration: Duration::ZERO,
        triggered_by: None,
        author: "deploy".to_owned(),
        comment: deploy.to_owned(),
    })
}

/// In milliseconds.
pub const fn minutes(count: u32) -> Ms {
    count as Ms * 60_000
}
