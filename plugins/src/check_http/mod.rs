//! `check_http`: asks a web server and judges its answer.

mod answer;
mod dates;
mod fetch;
mod judge;
mod redirect;
mod request;

use crate::{
    Foreign, Probe, State,
    ere::{Flags, Pattern},
    net::{self, Family},
    options::{self, Opt, Value, flag, long, valued},
    threshold::{self, Range},
    tls,
};

const HTTP_PORT: i64 = 80;
const HTTPS_PORT: i64 = 443;
const MOST_PORT: i64 = 65_535;
/// The real one cuts longer values, each at a length of its own.
const LONGEST_VALUE: usize = 1000;
const LONGEST_PATTERN: usize = 255;

const KNOWN: [Opt; 40] = [
    flag('v', "verbose"),
    valued('t', "timeout"),
    valued('c', "critical"),
    valued('w', "warning"),
    valued('H', "hostname"),
    flag('L', "link"),
    flag('n', "nohtml"),
    Opt {
        short: Some('S'),
        long: "ssl",
        value: Value::Optional,
    },
    long("sni", Value::None),
    valued('P', "post"),
    valued('j', "method"),
    valued('I', "IP-address"),
    valued('u', "url"),
    valued('p', "port"),
    valued('a', "authorization"),
    valued('b', "proxy-authorization"),
    valued('d', "header-string"),
    valued('s', "string"),
    valued('e', "expect"),
    valued('r', "regex"),
    long("ereg", Value::Required),
    valued('R', "eregi"),
    flag('l', "linespan"),
    valued('f', "onredirect"),
    valued('C', "certificate"),
    long("continue-after-certificate", Value::None),
    valued('J', "client-cert"),
    valued('K', "private-key"),
    valued('A', "useragent"),
    valued('k', "header"),
    flag('N', "no-body"),
    valued('M', "max-age"),
    valued('T', "content-type"),
    valued('m', "pagesize"),
    long("invert-regex", Value::None),
    flag('4', "use-ipv4"),
    flag('6', "use-ipv6"),
    flag('E', "extended-perfdata"),
    flag('B', "show-body"),
    long("max-redirs", Value::Required),
];

/// Where a request goes; a redirect changes it.
#[derive(Clone, Debug)]
struct Target {
    address: String,
    host: Option<String>,
    port: i64,
    /// In the `Host` header.
    virtual_port: i64,
    /// `http` or `https` as the last redirect had it; the options do not change it.
    scheme: String,
    tls: bool,
    url: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OnRedirect {
    Is(State),
    Follow {
        sticky_host: bool,
        sticky_port: bool,
    },
}

#[derive(Debug)]
struct Settings {
    family: Family,
    version: tls::Version,
    sni: bool,
    certificate_days: Option<(i64, i64)>,
    continue_after_certificate: bool,
    identity: Option<tls::Identity>,
    method: String,
    agent: String,
    headers: Vec<String>,
    user: String,
    proxy_user: String,
    post: Option<String>,
    content_type: Option<String>,
    expect: Option<String>,
    header_string: String,
    string: String,
    pattern: Option<Pattern>,
    invert: bool,
    no_body: bool,
    max_age: Option<i64>,
    least_size: i64,
    most_size: i64,
    on_redirect: OnRedirect,
    most_redirects: i64,
    link: bool,
    extended: bool,
    show_body: bool,
    warn: Option<Range>,
    crit: Option<Range>,
    timeout: u64,
}

pub(crate) fn prepare(_name: &str, args: &[String]) -> Result<Probe, Foreign> {
    let (settings, mut target) = read(args)?;
    let seconds = settings.timeout;
    Ok(Probe::new(async move {
        // What the real one has printed already when it comes to its end.
        let mut said = String::new();
        if settings.link {
            said = format!(
                "<A HREF=\"{}://{}:{}{}\" target=\"_blank\">",
                if target.tls { "https" } else { "http" },
                target.name(),
                target.port,
                target.url
            );
        }
        let ran = net::within(seconds, judge::run(&settings, &mut target, &mut said)).await;
        ran.map(|mut report| {
            report.text.insert_str(0, &said);
            report
        })
    }))
}

impl Target {
    fn name(&self) -> &str {
        self.host.as_deref().unwrap_or(&self.address)
    }
}

fn read(args: &[String]) -> Result<(Settings, Target), Foreign> {
    if args.is_empty() {
        return Err(Foreign::usage("Could not parse arguments"));
    }
    if args.iter().any(|arg| LONGEST_VALUE < arg.len()) {
        return Err(Foreign::unhandled("an argument is longer than we take"));
    }
    // Spellings from before the options had long names.
    let args: Vec<String> = args
        .iter()
        .map(|arg| match &**arg {
            "-to" => "-t".to_owned(),
            "-hn" => "-H".to_owned(),
            "-wt" => "-w".to_owned(),
            "-ct" => "-c".to_owned(),
            "-nohtml" => "-n".to_owned(),
            _ => arg.clone(),
        })
        .collect();
    let parsed = options::parse(&args, &KNOWN)?;
    let mut given = Given::default();
    for option in parsed.options {
        given.take(option.name, option.value)?;
    }
    given.finish(parsed.operands)
}

/// Options as they come in; some look at what came before them.
#[derive(Default)]
struct Given {
    settings: Settings,
    address: Option<String>,
    host: Option<String>,
    port: Option<i64>,
    port_is_fixed: bool,
    virtual_port: i64,
    tls: bool,
    url: Option<String>,
    method: Option<String>,
    warn: Option<String>,
    crit: Option<String>,
    client_certificate: Option<String>,
    client_key: Option<String>,
    ignore_case: bool,
    linespan: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            family: Family::Any,
            version: tls::Version::Any,
            sni: false,
            certificate_days: None,
            continue_after_certificate: false,
            identity: None,
            method: "GET".to_owned(),
            agent: "check_http/v2.3.3 (monitoring-plugins 2.3.3)".to_owned(),
            headers: Vec::new(),
            user: String::new(),
            proxy_user: String::new(),
            post: None,
            content_type: None,
            expect: None,
            header_string: String::new(),
            string: String::new(),
            pattern: None,
            invert: false,
            no_body: false,
            max_age: None,
            least_size: 0,
            most_size: 0,
            on_redirect: OnRedirect::Is(State::Ok),
            most_redirects: 15,
            link: false,
            extended: false,
            show_body: false,
            warn: None,
            crit: None,
            timeout: 10,
        }
    }
}

impl Given {
    fn take(&mut self, name: &str, value: String) -> Result<(), Foreign> {
        let settings = &mut self.settings;
        match name {
            "timeout" => {
                let seconds = count(&value, "Timeout interval must be a positive integer")?;
                if seconds == 0 {
                    return Err(Foreign::unhandled("without a timeout"));
                }
                settings.timeout = seconds.unsigned_abs();
            }
            "critical" => self.crit = Some(value),
            "warning" => self.warn = Some(value),
            "hostname" => self.host(value)?,
            "link" => settings.link = true,
            "nohtml" => settings.link = false,
            "ssl" => {
                if !value.is_empty() {
                    settings.version = tls::Version::parse(&value)?;
                }
                self.use_tls();
            }
            "sni" => settings.sni = true,
            "post" => {
                settings.post.get_or_insert(value);
                self.method.get_or_insert_with(|| "POST".to_owned());
            }
            "method" => self.method = Some(value),
            "IP-address" => self.address = Some(value),
            "url" => self.url = Some(value),
            "port" => {
                self.port = Some(count(&value, "Invalid port number")?);
                self.port_is_fixed = true;
            }
            "authorization" => settings.user = value,
            "proxy-authorization" => settings.proxy_user = value,
            "header-string" => settings.header_string = value,
            "string" => settings.string = value,
            "expect" => settings.expect = Some(value),
            "regex" | "ereg" => self.pattern(&value)?,
            "eregi" => {
                self.ignore_case = true;
                self.pattern(&value)?;
            }
            "linespan" => self.linespan = true,
            "onredirect" => settings.on_redirect = on_redirect(&value)?,
            "certificate" => {
                let wrong = "Invalid certificate expiration period";
                let (warn, crit) = match value.split_once(',') {
                    Some((warn, crit)) => (count(warn, wrong)?, count(crit, wrong)?),
                    None => (count(&value, wrong)?, 0),
                };
                settings.certificate_days = Some((warn, crit));
                self.use_tls();
            }
            "continue-after-certificate" => settings.continue_after_certificate = true,
            "client-cert" => {
                self.client_certificate = Some(value);
                self.use_tls();
            }
            "private-key" => {
                self.client_key = Some(value);
                self.use_tls();
            }
            "useragent" => settings.agent = value,
            "header" => settings.headers.push(value),
            "no-body" => settings.no_body = true,
            "max-age" => settings.max_age = Some(age(&value)?),
            "content-type" => settings.content_type = Some(value),
            "pagesize" => self.sizes(&value)?,
            "invert-regex" => settings.invert = true,
            "use-ipv4" => settings.family = Family::V4,
            "use-ipv6" => settings.family = Family::V6,
            "extended-perfdata" => settings.extended = true,
            "show-body" => settings.show_body = true,
            "max-redirs" => {
                settings.most_redirects = count(&value, "Invalid max_redirs count")?;
            }
            other => {
                return Err(Foreign::unhandled(format!(
                    "option '--{other}' is for the real plugin"
                )));
            }
        }
        Ok(())
    }

    fn use_tls(&mut self) {
        self.tls = true;
        if !self.port_is_fixed {
            self.port = Some(HTTPS_PORT);
        }
    }

    /// `name`, `name:port`, or an address of version 6.
    fn host(&mut self, value: String) -> Result<(), Foreign> {
        if value.starts_with('[') && value.contains("]:") {
            return Err(Foreign::unhandled(
                "an address in brackets with a port behind it",
            ));
        }
        let mut name = value;
        if !name.starts_with('[')
            && let Some((host, port)) = name.split_once(':')
            && !port.contains(':')
        {
            self.virtual_port = threshold::whole(port);
            if !(0..=MOST_PORT).contains(&self.virtual_port) {
                return Err(Foreign::unhandled("such a port"));
            }
            if !self.port_is_fixed {
                self.port = Some(self.virtual_port);
            }
            name = host.to_owned();
        }
        self.host = Some(name);
        Ok(())
    }

    fn pattern(&mut self, value: &str) -> Result<(), Foreign> {
        if LONGEST_PATTERN < value.len() {
            return Err(Foreign::unhandled("so long a regular expression"));
        }
        let flags = Flags {
            ignore_case: self.ignore_case,
            lines: !self.linespan,
        };
        self.settings.pattern = Some(Pattern::parse(value, flags)?);
        Ok(())
    }

    fn sizes(&mut self, value: &str) -> Result<(), Foreign> {
        let size = |text: &str| {
            let size = threshold::whole(text);
            i32::try_from(size)
                .map(i64::from)
                .map_err(|_| Foreign::unhandled("such a size"))
        };
        match value.split_once(':') {
            None => self.settings.least_size = size(value)?,
            Some((least, most)) if !least.is_empty() && !most.is_empty() && !most.contains(':') => {
                self.settings.least_size = size(least)?;
                self.settings.most_size = size(most)?;
            }
            Some(_) => return Err(Foreign::usage("Bad format: try \"-m min:max\"")),
        }
        Ok(())
    }

    fn finish(mut self, operands: Vec<String>) -> Result<(Settings, Target), Foreign> {
        let mut operands = operands.into_iter();
        let address = self.address.or_else(|| operands.next());
        let host = self.host.or_else(|| operands.next());
        let Some(address) = address.or_else(|| host.clone()) else {
            return Err(Foreign::usage(
                "You must specify a server address or host name",
            ));
        };
        if address.is_empty() || address.starts_with('/') || 255 < address.len() {
            return Err(Foreign::unhandled("such an address"));
        }
        let mut settings = self.settings;
        settings.warn = range(self.warn.as_deref())?;
        settings.crit = range(self.crit.as_deref())?;
        // A limit beyond the timeout moves it.
        if let Some(end) = settings.crit.as_ref().map(|crit| crit.end.unwrap_or(0.0)) {
            #[expect(clippy::cast_precision_loss, reason = "seconds")]
            let timeout = settings.timeout as f64;
            if timeout < end {
                if 1e6 < end {
                    return Err(Foreign::unhandled("such a timeout"));
                }
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "as the real one, and it is more than the timeout"
                )]
                let seconds = end as u64;
                settings.timeout = seconds + 1;
            }
        }
        settings.identity = match (self.client_certificate, self.client_key) {
            (Some(certificate), Some(key)) => Some(tls::Identity { certificate, key }),
            (Some(_), None) => {
                return Err(Foreign::usage(
                    "If you use a client certificate you must also specify a private key file",
                ));
            }
            (None, _) => None,
        };
        if let Some(method) = self.method {
            // Through a proxy's tunnel.
            if method.starts_with("CONNECT") {
                return Err(Foreign::unhandled("the method CONNECT"));
            }
            settings.method = method;
        }
        let port = self.port.unwrap_or(HTTP_PORT);
        if !(1..=MOST_PORT).contains(&port) {
            return Err(Foreign::unhandled("such a port"));
        }
        let default_port = if self.tls { HTTPS_PORT } else { HTTP_PORT };
        if self.virtual_port == 0 || self.virtual_port == default_port && !self.port_is_fixed {
            self.virtual_port = port;
        }
        let target = Target {
            address,
            host,
            port,
            virtual_port: self.virtual_port,
            scheme: "http".to_owned(),
            tls: self.tls,
            url: self.url.unwrap_or_else(|| "/".to_owned()),
        };
        Ok((settings, target))
    }
}

fn count(value: &str, else_say: &str) -> Result<i64, Foreign> {
    let number = threshold::whole(value);
    if threshold::is_count(value) && number <= i64::from(i32::MAX) {
        Ok(number)
    } else {
        Err(Foreign::usage(else_say))
    }
}

fn on_redirect(value: &str) -> Result<OnRedirect, Foreign> {
    let follow = |sticky_host, sticky_port| OnRedirect::Follow {
        sticky_host,
        sticky_port,
    };
    Ok(match value {
        "stickyport" => follow(true, true),
        "sticky" => follow(true, false),
        "follow" => follow(false, false),
        "unknown" => OnRedirect::Is(State::Unknown),
        "ok" => OnRedirect::Is(State::Ok),
        "warning" => OnRedirect::Is(State::Warning),
        "critical" => OnRedirect::Is(State::Critical),
        _ => return Err(Foreign::usage("Invalid onredirect option")),
    })
}

/// `90`, `90s`, `10m`, `10h`, `10d`.
fn age(value: &str) -> Result<i64, Foreign> {
    let unit = match value.bytes().last() {
        Some(b's' | b'0'..=b'9') => 1,
        Some(b'm') => 60,
        Some(b'h') => 3600,
        Some(b'd') => 86_400,
        _ => return Err(Foreign::usage("unparsable max-age")),
    };
    let age = threshold::whole(value).saturating_mul(unit);
    if (0..=i64::from(i32::MAX)).contains(&age) {
        Ok(age)
    } else {
        Err(Foreign::unhandled("such an age"))
    }
}

fn range(value: Option<&str>) -> Result<Option<Range>, Foreign> {
    let Some(value) = value else { return Ok(None) };
    // `strtod` reads numbers of base 16, and infinity.
    if value.contains(['x', 'X', 'n', 'N', 'i', 'I']) {
        return Err(Foreign::unhandled("such a number"));
    }
    Range::parse(value)
        .map(Some)
        .ok_or_else(|| Foreign::usage("Range format incorrect"))
}
