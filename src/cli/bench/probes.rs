//! Plugins that a probe speaks for, flat out against a web server on loopback: without a process, with one, and under
//! Nagios, in one run.

use std::{
    fs, io,
    net::{Ipv4Addr, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde::Serialize;

use super::{Plan, cannot, compare, daemon, nagios, plugin, plugins, stage::Stage};
use crate::{cli::out::Failure, domain::model::objects::Native};

const SERVERS: [&str; 2] = ["/usr/sbin/nginx", "/usr/local/sbin/nginx"];
const NO_SERVER: &str =
    "nginx is not installed here, so there is nothing to look at: apt-get install nginx-light";
const PLUGINS: [&str; 2] = ["check_tcp", "check_http"];
const DIRECTORY: &str = "/usr/lib/nagios/plugins";
/// More than one machine can do without processes.
const DUE: f64 = 50_000.0;
/// What the daemon and Nagios are given with processes; more than one machine starts.
const DUE_FORKED: f64 = 4_000.0;
const START_WAIT: Duration = Duration::from_secs(5);

/// All that were measured.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Figures {
    pub rows: Vec<Row>,
    /// Why one is missing.
    pub notes: Vec<String>,
}

/// One plugin under one scheduler.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    pub plugin: &'static str,
    pub program: String,
    pub plugins_per_second: f64,
    /// Times as many as Nagios ran; None where it is not installed.
    pub times_nagios: Option<f64>,
    /// CPU time of the scheduler for each, without plugins' processes; a probe's own is in it.
    pub daemon_cpu_ms: f64,
    pub not_ok: u64,
    pub memory_mb: f64,
}

pub fn measure(stage: &Stage, plan: &Plan) -> Result<Option<Figures>, Failure> {
    let note = |text: &str| {
        Ok(Some(Figures {
            rows: Vec::new(),
            notes: vec![text.to_owned()],
        }))
    };
    let Some(server) = SERVERS.iter().find(|path| Path::new(path).exists()) else {
        return note(NO_SERVER);
    };
    if !Path::new(DIRECTORY).join(PLUGINS[0]).exists() {
        return note(
            "there are no monitoring-plugins here: apt-get install monitoring-plugins-basic",
        );
    }
    let port = serve(stage, server)?;
    let mut figures = Figures::default();
    for name in PLUGINS {
        one(stage, plan, name, port, &mut figures)?;
    }
    Ok(Some(figures))
}

fn one(
    stage: &Stage,
    plan: &Plan,
    name: &'static str,
    port: u16,
    figures: &mut Figures,
) -> Result<(), Failure> {
    let line = format!("{DIRECTORY}/{name} -H {} -p {port}", plugin::PLACE);
    let plan = |native| -> Result<Plan, Failure> {
        Ok(Plan {
            plugin: plugin::choose(Some(&line))?,
            native,
            ..plan.clone()
        })
    };
    let forked = plan(Native::Never)?;
    let theirs = match nagios::program() {
        Some(program) => Some(compare::nagios4(
            stage,
            &forked,
            &program,
            DUE_FORKED as u32,
            1.0,
            &mut figures.notes,
        )?),
        None => {
            if !figures.notes.iter().any(|note| note == nagios::MISSING) {
                figures.notes.push(nagios::MISSING.to_owned());
            }
            None
        }
    };
    let of_nagios = |rate: f64| theirs.as_ref().map(|row| rate / row.plugins_per_second);
    for (how, due, native) in [
        ("without a process", DUE, Native::Auto),
        ("with processes", DUE_FORKED, Native::Never),
    ] {
        let row = plugins::load(
            stage,
            &plan(native)?,
            &format!("{name} {how}, flat out"),
            due,
            Duration::from_secs(1),
            1.0,
        )?;
        figures.rows.push(Row {
            plugin: name,
            program: format!("deploywatch, {how}"),
            plugins_per_second: row.plugins_per_second,
            times_nagios: of_nagios(row.plugins_per_second),
            daemon_cpu_ms: row.daemon_cpu_ms,
            not_ok: row.not_ok,
            memory_mb: row.memory_mb,
        });
    }
    figures.rows.extend(theirs.as_ref().map(|row| Row {
        plugin: name,
        program: row.program.clone(),
        plugins_per_second: row.plugins_per_second,
        times_nagios: Some(1.0),
        daemon_cpu_ms: row.daemon_cpu_ms,
        not_ok: 0,
        memory_mb: row.memory_mb,
    }));
    Ok(())
}

/// A web server that says little and quickly; its port.
fn serve(stage: &Stage, program: &str) -> Result<u16, Failure> {
    let port = daemon::free_port()?;
    let directory = stage.directory("nginx")?;
    let config = write(&directory, port).map_err(cannot("write a site for nginx"))?;
    let mut command = Command::new(program);
    command
        .arg("-c")
        .arg(&config)
        .arg("-p")
        .arg(&directory)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let pid = stage.start(&mut command).map_err(cannot("start nginx"))?;
    let until = Instant::now() + START_WAIT;
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        let ended = stage.ended(pid).map_err(cannot("watch nginx"))?;
        if ended.is_some() || until <= Instant::now() {
            return Err(Failure::Refused(
                "nginx does not start on a site of the bench's own".to_owned(),
            ));
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(port)
}

fn write(directory: &Path, port: u16) -> io::Result<PathBuf> {
    let path = directory.join("nginx.conf");
    let at = directory.display();
    let listen: String = (1..=plugin::PLACES)
        .map(|place| format!(" listen 127.0.0.{place}:{port} backlog=8192;\n"))
        .collect();
    fs::write(
        &path,
        format!(
            "daemon off;\nuser root;\nworker_processes 2;\npid {at}/pid;\nerror_log /dev/null;\n\
             events {{ worker_connections 8192; }}\n\
             http {{\n access_log off;\n keepalive_timeout 0;\n client_body_temp_path {at}/a;\n proxy_temp_path {at}/b;\n \
             fastcgi_temp_path {at}/c;\n uwsgi_temp_path {at}/d;\n scgi_temp_path {at}/e;\n server {{\n \
             {listen}location / {{ return 200 \"well\\n\"; }}\n }}\n}}\n"
        ),
    )?;
    Ok(path)
}
