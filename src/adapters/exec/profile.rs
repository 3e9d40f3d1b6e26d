//! Takes on a profile's user, limits and place, once, in the spawner.

use std::{
    ffi::CString,
    io,
    path::{Path, PathBuf},
};

use nix::{
    sys::{
        prctl,
        resource::{RLIM_INFINITY, Resource, getrlimit, rlim_t, setrlimit},
        signal::Signal,
        stat::{Mode, umask},
    },
    unistd::{Gid, Group, Uid, User, chdir, geteuid, initgroups, setgroups, setresgid, setresuid},
};

use super::why::whoami;
use crate::domain::model::objects::Profile;

/// Plugins built on select() fail with more; some close every possible descriptor at their start.
const OPEN_FILES: rlim_t = 1024;
/// Nagios' workers take write permission from group and others.
const UMASK: u32 = 0o022;

/// A limit that a plugin has and the spawner must not have.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChildLimit {
    pub resource: Resource,
    /// The spawner's own soft limit, to be put back.
    pub own: rlim_t,
    /// The plugin's soft limit.
    pub child: rlim_t,
    pub hard: rlim_t,
}

/// What a profile made of this process.
#[derive(Debug, Default)]
pub(super) struct Applied {
    pub limits: Vec<ChildLimit>,
    /// Name and home of the profile's user.
    pub user: Option<(String, PathBuf)>,
}

/// Applies `profile` to this process. The error is a sentence for people.
///
/// Core size and number of processes become this process's own limits and so its children's. Open files, memory and
/// CPU time would cripple the spawner itself: they are set around each start, as soft limits. They catch a plugin
/// that runs wild; they are no prison, since a process may raise its own soft limits.
pub(super) fn apply(profile: &Profile) -> Result<Applied, String> {
    let place = |what: String| format!("Profile `{}`: {what}", profile.name);
    let mut limits = Vec::new();
    own_limit(Resource::RLIMIT_CORE, profile.max_core, "max_core").map_err(place)?;
    own_limit(
        Resource::RLIMIT_NPROC,
        profile.max_processes,
        "max_processes",
    )
    .map_err(place)?;
    limits.push(open_files(profile.max_open_files).map_err(place)?);
    for (resource, wanted, key) in [
        (Resource::RLIMIT_AS, profile.max_memory, "max_memory"),
        (
            Resource::RLIMIT_CPU,
            profile.max_cpu_seconds,
            "max_cpu_seconds",
        ),
    ] {
        if let Some(wanted) = wanted {
            limits.push(child_limit(resource, wanted, key).map_err(place)?);
        }
    }
    if let Some(nice) = profile.nice {
        set_nice(nice).map_err(|error| {
            place(format!("nice = {nice} cannot be set: {error}. Only root may go below the daemon's own value."))
        })?;
    }
    let user = become_user(profile).map_err(place)?;
    // The kernel forgets this one at a change of user, so it comes after. The spawner looks for its parent itself.
    prctl::set_pdeathsig(Signal::SIGTERM)
        .map_err(|errno| place(format!("prctl: {}.", errno.desc())))?;
    prctl::set_child_subreaper(true).map_err(|errno| place(format!("prctl: {}.", errno.desc())))?;
    if profile.no_new_privs {
        prctl::set_no_new_privs()
            .map_err(|errno| place(format!("no_new_privs cannot be set: {}.", errno.desc())))?;
    }
    umask(Mode::from_bits_truncate(profile.umask.unwrap_or(UMASK)));
    directory(profile.directory.as_deref()).map_err(place)?;
    Ok(Applied { limits, user })
}

fn directory(wanted: Option<&Path>) -> Result<(), String> {
    let dir = wanted.unwrap_or(Path::new("/tmp"));
    match chdir(dir) {
        Ok(()) => Ok(()),
        Err(_) if wanted.is_none() => {
            chdir("/").map_err(|errno| format!("`/` cannot be entered: {}.", errno.desc()))
        }
        Err(errno) => Err(format!(
            "its directory `{}` cannot be entered by {}: {}. Create it or correct `directory`.",
            dir.display(),
            whoami(),
            errno.desc()
        )),
    }
}

/// Soft and hard limit of this process, and so of its children.
fn own_limit(resource: Resource, wanted: Option<u64>, key: &str) -> Result<(), String> {
    let Some(wanted) = wanted else { return Ok(()) };
    setrlimit(resource, wanted, wanted).map_err(|errno| {
        format!(
            "{key} = {wanted} cannot be set: {}. Only root may raise a hard limit.",
            errno.desc()
        )
    })
}

fn child_limit(resource: Resource, wanted: u64, key: &str) -> Result<ChildLimit, String> {
    let (own, mut hard) =
        getrlimit(resource).map_err(|errno| format!("{key} cannot be read: {}.", errno.desc()))?;
    if hard < wanted {
        setrlimit(resource, own, wanted).map_err(|errno| {
            format!(
                "{key} = {wanted} is above this service's own limit of {hard}: {}. Lower it, or raise the limit of the \
                 service.",
                errno.desc()
            )
        })?;
        hard = wanted;
    }
    Ok(ChildLimit {
        resource,
        own,
        child: wanted,
        hard,
    })
}

/// The spawner itself takes all descriptors it may have: two for each plugin that runs.
fn open_files(wanted: Option<u64>) -> Result<ChildLimit, String> {
    let hard = getrlimit(Resource::RLIMIT_NOFILE).map_or(OPEN_FILES, |(_, hard)| hard);
    let mut limit = child_limit(
        Resource::RLIMIT_NOFILE,
        wanted.unwrap_or(OPEN_FILES.min(hard)),
        "max_open_files",
    )?;
    // An unlimited number is refused by the kernel above fs.nr_open.
    limit.own = if limit.hard == RLIM_INFINITY {
        1 << 20
    } else {
        limit.hard
    };
    if setrlimit(limit.resource, limit.own, limit.hard).is_err() {
        limit.own = getrlimit(limit.resource).map_or(OPEN_FILES, |(soft, _)| soft);
    }
    Ok(limit)
}

#[expect(unsafe_code, reason = "nix has no setpriority")]
fn set_nice(nice: i32) -> io::Result<()> {
    // SAFETY: plain numbers; 0 names the calling process.
    match unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, nice) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Becomes the profile's user and group, all three ids of each, with the user's further groups.
fn become_user(profile: &Profile) -> Result<Option<(String, PathBuf)>, String> {
    let user = profile.user.as_deref().map(find_user).transpose()?;
    let group = profile.group.as_deref().map(find_group).transpose()?;
    let Some(gid) = group.or(user.as_ref().map(|user| user.gid)) else {
        return Ok(None);
    };
    let named = user
        .as_ref()
        .map(|user| (user.name.clone(), user.dir.clone()));
    if !geteuid().is_root() {
        let same_user = user.as_ref().is_none_or(|user| user.uid == geteuid());
        if same_user && gid == nix::unistd::getegid() {
            return Ok(named);
        }
        let wanted = match (&profile.user, &profile.group) {
            (Some(user), Some(group)) => format!("user `{user}` and group `{group}`"),
            (Some(user), None) => format!("user `{user}`"),
            (None, group) => format!("group `{}`", group.as_deref().unwrap_or_default()),
        };
        return Err(format!(
            "it asks for {wanted}, but the daemon runs as {} and only root may change that. Start the daemon as root, \
             or leave it out of the profile.",
            whoami()
        ));
    }
    let failed = |what: &str| {
        let what = what.to_owned();
        move |errno: nix::Error| format!("{what} failed: {}.", errno.desc())
    };
    match user
        .as_ref()
        .and_then(|user| CString::new(user.name.as_str()).ok())
    {
        Some(name) => initgroups(&name, gid).map_err(failed("initgroups"))?,
        None => setgroups(&[gid]).map_err(failed("setgroups"))?,
    }
    setresgid(gid, gid, gid).map_err(failed("setresgid"))?;
    if let Some(user) = &user {
        setresuid(user.uid, user.uid, user.uid).map_err(failed("setresuid"))?;
    }
    Ok(named)
}

/// A user by name, or by number where there is no such name.
fn find_user(name: &str) -> Result<User, String> {
    let found = match User::from_name(name) {
        Ok(None) => match name.parse::<u32>() {
            Ok(uid) => User::from_uid(Uid::from_raw(uid)),
            Err(_) => Ok(None),
        },
        other => other,
    };
    match found {
        Ok(Some(user)) => Ok(user),
        Ok(None) => Err(format!(
            "there is no user `{name}` on this machine. Create it or correct `user`."
        )),
        Err(errno) => Err(format!(
            "user `{name}` cannot be looked up: {}.",
            errno.desc()
        )),
    }
}

fn find_group(name: &str) -> Result<Gid, String> {
    match Group::from_name(name) {
        Ok(Some(group)) => Ok(group.gid),
        Ok(None) => name.parse::<u32>().map(Gid::from_raw).map_err(|_| {
            format!("there is no group `{name}` on this machine. Create it or correct `group`.")
        }),
        Err(errno) => Err(format!(
            "group `{name}` cannot be looked up: {}.",
            errno.desc()
        )),
    }
}
